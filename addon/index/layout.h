#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernel/kernel.h"

/// How the rows that a coder makes lie in memory.
namespace embedless::index {

/// Nodes of one chunk, the unit of allocation. Chunks never move.
inline constexpr std::size_t chunk_nodes = 4096;

/// How the rows of one store lie.
enum class RowOrder : std::uint8_t {
  /// The way that a scan reads fastest.
  scan,
  /// Row after row, for walks, which take one here and one there; rows of float32 in two planes (`graph::split`), so
  /// that a walk moves half the bytes.
  walk,
};

/// Blocks of 64 nodes in a chunk.
inline constexpr std::size_t chunk_blocks = chunk_nodes / kernel::block_nodes;

/// The place of each byte of a row in a block of 64.
///
/// A transposed block holds the columns of its 64 rows one after the other, [codes][s][a][e], so that a scan reads one
/// subspace of all nodes as one cache line; s and a are one or two bytes wide. A row-major block holds row after row;
/// of rows that a scan does not read to their end, first all parts that it reads and then all others.
struct Layout {
  std::size_t row_bytes = 0;
  bool transposed = false;
  std::size_t subspaces = 0;     ///< Transposed only: code bytes of a row.
  std::size_t factor_bytes = 0;  ///< Transposed only: width of s and of a, 1 or 2.
  std::size_t first_bytes = 0;   ///< Row-major only: bytes at the start of a row that a scan reads; 0: all.
  std::size_t split_dims = 0;  ///< Row-major only: numbers of a row of float32 that lies in two planes; 0: as it came.

  std::size_t block_bytes() const { return row_bytes * kernel::block_nodes; }
  std::size_t chunk_bytes() const { return row_bytes * chunk_nodes; }
  /// Row-major: bytes from the start of one row that a scan reads to that of the next.
  std::size_t stride() const { return first_bytes != 0 ? first_bytes : row_bytes; }
  /// Bytes of a block that a scan reads. Transposed: all but the last column, e, which only the bound needs.
  std::size_t scanned_bytes() const;

  /// Rows in so many bytes as a coder makes them. Rows of no bytes are not counted.
  std::size_t rows_in(std::size_t bytes) const { return row_bytes == 0 ? 0 : bytes / row_bytes; }

  /// Puts rows (row-major, a multiple of row_bytes) into the slots of a block from `first_slot` on.
  void write(std::uint8_t* block, std::size_t first_slot, std::span<const std::uint8_t> rows) const;
  /// Copies the row in `slot` to `row`, as the coder made it.
  void read(const std::uint8_t* block, std::size_t slot, std::uint8_t* row) const;
  /// The parts of a transposed block.
  kernel::BlockView view(const std::uint8_t* block) const;
};

}  // namespace embedless::index
