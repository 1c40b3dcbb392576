#include "index/layout.h"

#include <cstring>

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

}  // namespace

std::size_t Layout::scanned_bytes() const { return transposed ? block_bytes() - nodes : stride() * nodes; }

void Layout::write(std::uint8_t* block, std::size_t first_slot, std::span<const std::uint8_t> rows) const {
  const std::size_t count = rows.size() / row_bytes;
  each_column(*this, [&](std::size_t offset, std::size_t width) {
    std::uint8_t* column = block + offset * nodes + first_slot * width;
    const std::uint8_t* from = rows.data() + offset;
    for (std::size_t i = 0; i < count; ++i, from += row_bytes, column += width) {
      if (width > 2) std::memcpy(column, from, width);
      else for (std::size_t byte = 0; byte < width; ++byte) column[byte] = from[byte];
    }
  });
}

void Layout::read(const std::uint8_t* block, std::size_t slot, std::uint8_t* row) const {
  each_column(*this, [&](std::size_t offset, std::size_t width) {
    std::memcpy(row + offset, block + offset * nodes + slot * width, width);
  });
}

kernel::BlockView Layout::view(const std::uint8_t* block) const {
  const std::uint8_t* scale = block + subspaces * nodes;
  return {.codes = block, .scale = scale, .add = scale + factor_bytes * nodes};
}

}  // namespace embedless::index
