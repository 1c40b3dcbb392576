#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "code/exception_list.h"
#include "index/coder.h"
#include "index/layout.h"
#include "index/random_access.h"

namespace embedless::index {

/// One change of a store; all of it becomes visible at once.
struct Publication {
  std::span<const std::uint8_t> rows{};                 ///< Appended in order, row-major.
  std::span<const code::FactorException> exceptions{};  ///< `row` counts from the first appended row; ascending.
  std::size_t nodes = 0;                                ///< Nodes appended by a coder whose rows have no bytes, else 0.
  std::span<const std::uint32_t> dead{};  ///< Nodes that are no answer any more; may be among the new ones.
};

/// Rows that one publication may append: an exception names its row with 16 bits.
inline constexpr std::size_t publication_rows = 65536;

/// A chunk as one snapshot sees it. Immutable, but for bytes of `memory` that belong to blocks not yet complete, which
/// no snapshot reads: an unfinished block lies in `tail`, a copy that is replaced, never changed.
struct Chunk {
  std::shared_ptr<std::uint8_t> memory;      ///< Layout::chunk_bytes(), 64-byte aligned; never moves. Part of a slab.
  std::shared_ptr<const std::uint8_t> tail;  ///< The unfinished block, if there is one.
  std::size_t complete = 0;                  ///< Blocks of `memory` that are complete.
  std::array<std::uint64_t, chunk_blocks> live{};
  std::vector<code::FactorException> exceptions;  ///< Ascending; `row` counts from the chunk's first node.
};

/// Memory for chunks, side by side. What is full of it lies on pages of 2 MB where the system has them, which a scan
/// reads faster and random reads far faster; what is not yet written takes no memory, so that small stores stay small.
struct Slab {
  std::shared_ptr<std::uint8_t> memory;
  std::size_t chunks = 0;   ///< That it has room for.
  std::size_t used = 0;     ///< That have their place in it.
  std::size_t settled = 0;  ///< Bytes on huge pages, from its beginning on.
};

/// The codes of one moment. Immutable; holds what it refers to.
class Snapshot {
 public:
  explicit Snapshot(const Layout& layout) : layout_(layout), access_(std::make_shared<RandomAccess>()) {}

  const Layout& layout() const { return layout_; }
  /// Nodes, dead ones included.
  std::size_t count() const { return count_; }
  /// Nodes that may be answered.
  std::size_t live() const { return live_; }
  /// Bytes allocated for codes, exceptions and live bits.
  std::size_t memory_bytes() const;

  std::size_t chunks() const { return chunks_.size(); }
  const Chunk& chunk(std::size_t i) const { return *chunks_[i]; }
  /// Blocks with at least one node.
  std::size_t blocks() const { return (count_ + kernel::block_nodes - 1) / kernel::block_nodes; }
  const std::uint8_t* block(std::size_t i) const;
  std::uint64_t live_word(std::size_t block) const;
  /// Live bits as bytes, bit i in byte i / 8, lowest first.
  std::vector<std::uint8_t> live_bits() const;

  /// What walks need.
  const RandomAccess& random_access() const { return *access_; }

  /// Copies the row of a node, as the coder made it.
  void read_row(std::uint32_t node, std::uint8_t* row) const;
  std::span<const code::FactorException> exceptions_of(std::uint32_t node) const;

 private:
  friend class CodeStore;

  Layout layout_;
  std::vector<std::shared_ptr<const Chunk>> chunks_;
  Slab slab_;
  std::shared_ptr<const RandomAccess> access_;
  std::size_t count_ = 0;
  std::size_t live_ = 0;
};

/// The codes of a store: append-only rows in chunks of 4,096 nodes, and bits that say which nodes live.
///
/// Writers exclude each other; readers take a snapshot and never wait for a writer beyond the copy of one pointer.
/// A publication is one swap of that pointer: a reader sees all of it or nothing, and if it throws nothing happened.
class CodeStore {
 public:
  explicit CodeStore(std::shared_ptr<const Coder> coder, RowOrder order = RowOrder::scan);

  const std::shared_ptr<const Coder>& coder() const { return coder_; }
  std::shared_ptr<const Snapshot> snapshot() const;

  /// Appends rows and kills nodes in one step. Killing a dead node changes nothing.
  /// Throws INVALID_ARGUMENT if the rows are cut, an exception is malformed or a dead node does not exist; LIMIT beyond
  /// 65,536 rows at once or 2^32 - 1 nodes.
  void publish(const Publication& change);

 private:
  void check(const Publication& change, std::size_t rows, std::size_t count) const;

  std::shared_ptr<const Coder> coder_;
  Layout layout_;
  std::mutex writing_;
  mutable std::mutex swapping_;
  std::shared_ptr<const Snapshot> current_;
};

}  // namespace embedless::index
