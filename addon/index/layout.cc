#include "index/layout.h"

#include <bit>
#include <cstring>
#include <vector>

#include "graph/row_vectors.h"

namespace embedless::index {

namespace {

constexpr std::size_t nodes = kernel::block_nodes;

/// Calls f(offset in the row, width) for every column of a row: what lies together in a block.
template <class F>
void each_column(const Layout& layout, F f) {
  if (!layout.transposed) {
    f(std::size_t{0}, layout.stride());
    if (layout.stride() != layout.row_bytes) f(layout.stride(), layout.row_bytes - layout.stride());
    return;
  }
  std::size_t offset = 0;
  for (; offset < layout.subspaces; ++offset) f(offset, std::size_t{1});
  f(offset, layout.factor_bytes);
  f(offset + layout.factor_bytes, layout.factor_bytes);
  f(offset + 2 * layout.factor_bytes, std::size_t{1});
}

/// Rows and columns of bytes that one step of a transposition takes: what eight 64-bit words hold.
constexpr std::size_t tile = 8;

/// Swaps the bits of `b` under `mask` with those of `a` that lie `shift` higher.
void swap_bits(std::uint64_t& a, std::uint64_t& b, int shift, std::uint64_t mask) {
  const std::uint64_t difference = ((a >> shift) ^ b) & mask;
  a ^= difference << shift;
  b ^= difference;
}

static_assert(std::endian::native == std::endian::little, "a tile's bytes are counted from the lowest of a word");

/// Transposes an 8 x 8 tile of bytes: byte j of word i becomes byte i of word j (bytes counted from the lowest).
void transpose(std::uint64_t (&words)[tile]) {
  for (int i = 0; i < 4; ++i) swap_bits(words[i], words[i + 4], 32, 0x00000000ffffffff);
  for (const int i : {0, 1, 4, 5}) swap_bits(words[i], words[i + 2], 16, 0x0000ffff0000ffff);
  for (const int i : {0, 2, 4, 6}) swap_bits(words[i], words[i + 1], 8, 0x00ff00ff00ff00ff);
}

/// Writes `columns` bytes of each of 64 rows, from the first on, one column after the other.
void write_whole_columns(std::uint8_t* to, const std::uint8_t* rows, std::size_t row_bytes, std::size_t columns) {
  for (std::size_t column = 0; column + tile <= columns; column += tile) {
    for (std::size_t row = 0; row < nodes; row += tile) {
      std::uint64_t words[tile];
      for (std::size_t i = 0; i < tile; ++i) std::memcpy(&words[i], rows + (row + i) * row_bytes + column, tile);
      transpose(words);
      for (std::size_t i = 0; i < tile; ++i) std::memcpy(to + (column + i) * nodes + row, &words[i], tile);
    }
  }
}

}  // namespace

std::size_t Layout::scanned_bytes() const { return transposed ? block_bytes() - nodes : stride() * nodes; }

void Layout::write(std::uint8_t* block, std::size_t first_slot, std::span<const std::uint8_t> rows) const {
  const std::size_t count = rows_in(rows.size());
  if (split_dims != 0) {
    for (std::size_t i = 0; i < count; ++i) {
      graph::split(rows.data() + i * row_bytes, split_dims, block + (first_slot + i) * row_bytes);
    }
    return;
  }
  std::size_t done = 0;
  if (count == nodes && first_slot == 0) {
    write_whole_columns(block, rows.data(), row_bytes, subspaces);
    done = subspaces / tile * tile;
  }
  each_column(*this, [&](std::size_t offset, std::size_t width) {
    if (offset < done) return;
    std::uint8_t* column = block + offset * nodes + first_slot * width;
    const std::uint8_t* from = rows.data() + offset;
    for (std::size_t i = 0; i < count; ++i, from += row_bytes, column += width) {
      if (width > 2)
        std::memcpy(column, from, width);
      else
        for (std::size_t byte = 0; byte < width; ++byte) column[byte] = from[byte];
    }
  });
}

void Layout::read(const std::uint8_t* block, std::size_t slot, std::uint8_t* row) const {
  if (split_dims != 0) {
    graph::unsplit(block + slot * row_bytes, split_dims, row);
    return;
  }
  each_column(*this, [&](std::size_t offset, std::size_t width) {
    std::memcpy(row + offset, block + offset * nodes + slot * width, width);
  });
}

kernel::BlockView Layout::view(const std::uint8_t* block) const {
  const std::uint8_t* scale = block + subspaces * nodes;
  return {.codes = block, .scale = scale, .add = scale + factor_bytes * nodes};
}

}  // namespace embedless::index
