#include "index/code_store.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <new>
#include <string>
#include <utility>

#include "base/error.h"
#include "graph/pages.h"

namespace embedless::index {

namespace {

constexpr std::size_t block_nodes = kernel::block_nodes;

std::shared_ptr<std::uint8_t> allocate(std::size_t bytes) {
  constexpr std::align_val_t cache_line{64};
  auto* memory = static_cast<std::uint8_t*>(::operator new(bytes, cache_line));
  return {memory, [](std::uint8_t* p) { ::operator delete(p, cache_line); }};
}

/// Bytes of a slab for chunks of this size: whole huge pages, as few as leave at most a sixteenth unused.
std::size_t slab_bytes(std::size_t chunk_bytes) {
  constexpr std::size_t most_pages = 16;
  std::size_t best = 0;
  std::size_t least_unused = std::numeric_limits<std::size_t>::max();
  const std::size_t fewest = (chunk_bytes + graph::huge_page - 1) / graph::huge_page;
  for (std::size_t pages = fewest; pages < fewest + most_pages; ++pages) {
    const std::size_t bytes = pages * graph::huge_page;
    const std::size_t unused = bytes % chunk_bytes * most_pages / pages;  // as if of `most_pages`
    if (unused < least_unused) {
      best = bytes;
      least_unused = unused;
    }
    if (bytes % chunk_bytes <= bytes / 16) break;
  }
  return best;
}

/// The place of the next chunk. All chunks before it are full by then.
std::shared_ptr<std::uint8_t> place_chunk(Slab& slab, std::size_t chunk_bytes) {
  const std::size_t bytes = slab_bytes(chunk_bytes);
  // The last page of a slab holds what no chunk fits in, so it is never full but by having taken its last chunk.
  const std::size_t full = slab.used == slab.chunks ? slab.chunks == 0 ? 0 : bytes
                                                    : slab.used * chunk_bytes / graph::huge_page * graph::huge_page;
  if (full > slab.settled) graph::settle_pages(slab.memory.get() + slab.settled, full - slab.settled);
  slab.settled = full;
  if (slab.used == slab.chunks) slab = {graph::reserve_pages(bytes), bytes / chunk_bytes, 0, 0};
  return {slab.memory, slab.memory.get() + chunk_bytes * slab.used++};
}

/// Changes one snapshot into the next. Chunks that change are copied once; their memory is shared.
class Change {
 public:
  Change(const Layout& layout, std::vector<std::shared_ptr<const Chunk>>& chunks, Slab& slab, std::size_t& count,
         std::size_t& live)
      : layout_(layout), chunks_(chunks), slab_(slab), count_(count), live_(live) {}

  void append(const Publication& change, std::size_t rows) {
    auto exception = change.exceptions.begin();
    for (std::size_t done = 0; done < rows;) {
      const std::size_t slot = count_ % chunk_nodes;
      Chunk& chunk = slot == 0 ? add() : own(chunks_.size() - 1);
      const std::size_t taken = std::min(chunk_nodes - slot, rows - done);
      if (layout_.row_bytes != 0)
        write(chunk, slot, change.rows.subspan(done * layout_.row_bytes, taken * layout_.row_bytes));
      for (; exception != change.exceptions.end() && exception->row < done + taken; ++exception) {
        auto moved = *exception;
        moved.row = static_cast<std::uint16_t>(slot + exception->row - done);
        chunk.exceptions.push_back(moved);
      }
      for (std::size_t i = slot; i < slot + taken; ++i) {
        chunk.live[i / block_nodes] |= std::uint64_t{1} << (i % block_nodes);
      }
      done += taken;
      count_ += taken;
      live_ += taken;
    }
  }

  void kill(std::uint32_t node) {
    Chunk& chunk = own(node / chunk_nodes);
    std::uint64_t& word = chunk.live[node % chunk_nodes / block_nodes];
    const std::uint64_t bit = std::uint64_t{1} << (node % block_nodes);
    if ((word & bit) == 0) return;
    word &= ~bit;
    --live_;
  }

 private:
  /// Writes rows from `slot` of the chunk on, a block at a time; what does not fill a block becomes the new tail.
  void write(Chunk& chunk, std::size_t slot, std::span<const std::uint8_t> rows) {
    const std::size_t end = slot + rows.size() / layout_.row_bytes;
    while (slot < end) {
      const std::size_t block = slot / block_nodes, first = slot % block_nodes;
      const std::size_t taken = std::min(block_nodes - first, end - slot);
      const bool full = first + taken == block_nodes;
      auto fresh = full ? nullptr : allocate(layout_.block_bytes());
      std::uint8_t* place = full ? chunk.memory.get() + block * layout_.block_bytes() : fresh.get();
      // Slots not yet used are zero: the scan reads all 64.
      if (first != 0)
        std::memcpy(place, chunk.tail.get(), layout_.block_bytes());
      else if (!full)
        std::memset(place, 0, layout_.block_bytes());
      layout_.write(place, first, rows.first(taken * layout_.row_bytes));
      rows = rows.subspan(taken * layout_.row_bytes);
      chunk.tail = std::move(fresh);
      chunk.complete = block + (full ? 1 : 0);
      slot += taken;
    }
  }

  Chunk& add() {
    auto chunk = std::make_shared<Chunk>();
    // Rows of no bytes need no place.
    if (layout_.row_bytes != 0) chunk->memory = place_chunk(slab_, layout_.chunk_bytes());
    return adopt(chunks_.size(), std::move(chunk));
  }

  Chunk& own(std::size_t i) {
    if (i < owned_.size() && owned_[i] != nullptr) return *owned_[i];
    return adopt(i, std::make_shared<Chunk>(*chunks_[i]));
  }

  Chunk& adopt(std::size_t i, std::shared_ptr<Chunk> chunk) {
    Chunk& made = *chunk;
    if (owned_.size() <= i) owned_.resize(i + 1);
    owned_[i] = &made;
    if (i == chunks_.size())
      chunks_.push_back(std::move(chunk));
    else
      chunks_[i] = std::move(chunk);
    return made;
  }

  const Layout& layout_;
  std::vector<std::shared_ptr<const Chunk>>& chunks_;
  Slab& slab_;
  std::size_t& count_;
  std::size_t& live_;
  std::vector<Chunk*> owned_;  // the chunks of chunks_ that this change has copied or made
};

[[noreturn]] void refuse(const std::string& expected, const std::string& received,
                         const char* code = "INVALID_ARGUMENT") {
  throw base::Error(code, "Expected " + expected + ", but received " + received + ".");
}

void check_exceptions(std::span<const code::FactorException> exceptions, std::size_t rows) {
  std::size_t previous = 0;
  for (const auto& exception : exceptions) {
    if (exception.row >= rows || exception.row < previous || exception.factor > 2 || exception.zero != 0 ||
        !std::isfinite(exception.value)) {
      refuse("exceptions of existing rows, ascending, with a factor of 0 to 2 and a finite value",
             "one for row " + std::to_string(exception.row));
    }
    previous = exception.row;
  }
}

}  // namespace

std::size_t Snapshot::memory_bytes() const {
  std::size_t bytes = 0;
  for (const auto& chunk : chunks_) {
    bytes += layout_.chunk_bytes() + sizeof(Chunk) + chunk->exceptions.capacity() * sizeof(code::FactorException);
    if (chunk->tail) bytes += layout_.block_bytes();
  }
  return bytes;
}

const std::uint8_t* Snapshot::block(std::size_t i) const {
  const Chunk& chunk = *chunks_[i / chunk_blocks];
  const std::size_t inside = i % chunk_blocks;
  return inside < chunk.complete ? chunk.memory.get() + inside * layout_.block_bytes() : chunk.tail.get();
}

std::uint64_t Snapshot::live_word(std::size_t block) const {
  return chunks_[block / chunk_blocks]->live[block % chunk_blocks];
}

std::vector<std::uint8_t> Snapshot::live_bits() const {
  std::vector<std::uint8_t> bytes((count_ + 7) / 8);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(live_word(i / 8) >> (i % 8 * 8));
  }
  return bytes;
}

void Snapshot::read_row(std::uint32_t node, std::uint8_t* row) const {
  layout_.read(block(node / block_nodes), node % block_nodes, row);
}

std::span<const code::FactorException> Snapshot::exceptions_of(std::uint32_t node) const {
  const auto& all = chunks_[node / chunk_nodes]->exceptions;
  const auto [from, to] = std::ranges::equal_range(all, node % chunk_nodes, {}, &code::FactorException::row);
  return {from, to};
}

CodeStore::CodeStore(std::shared_ptr<const Coder> coder, RowOrder order)
    : coder_(std::move(coder)), layout_(coder_->layout(order)), current_(std::make_shared<Snapshot>(layout_)) {}

std::shared_ptr<const Snapshot> CodeStore::snapshot() const {
  const std::lock_guard lock(swapping_);
  return current_;
}

void CodeStore::publish(const Publication& change) {
  const std::lock_guard writer(writing_);
  auto next = std::make_shared<Snapshot>(*snapshot());
  const std::size_t rows = layout_.row_bytes == 0 ? change.nodes : layout_.rows_in(change.rows.size());
  check(change, rows, next->count_);
  next->access_ = std::make_shared<RandomAccess>(next->access_->factors_so_far());
  Change work(layout_, next->chunks_, next->slab_, next->count_, next->live_);
  work.append(change, rows);
  for (const std::uint32_t node : change.dead) work.kill(node);
  std::shared_ptr<const Snapshot> old = std::move(next);
  {
    const std::lock_guard lock(swapping_);
    current_.swap(old);
  }
  // The last reference to the old snapshot, if it is ours, goes here: outside the lock.
}

void CodeStore::check(const Publication& change, std::size_t rows, std::size_t count) const {
  if (change.rows.size() != rows * layout_.row_bytes) {
    refuse("rows of " + std::to_string(layout_.row_bytes) + " bytes each",
           std::to_string(change.rows.size()) + " bytes");
  }
  if (layout_.row_bytes != 0 && change.nodes != 0) {
    refuse("no number of nodes, since rows of this form tell it", std::to_string(change.nodes));
  }
  if (rows > publication_rows) {
    refuse("at most " + std::to_string(publication_rows) + " rows in one publication", std::to_string(rows), "LIMIT");
  }
  constexpr std::size_t most_nodes = std::numeric_limits<std::uint32_t>::max();
  if (count + rows > most_nodes) {
    refuse("at most " + std::to_string(most_nodes) + " nodes in one index", std::to_string(count + rows), "LIMIT");
  }
  if (!coder_->takes_exceptions() && !change.exceptions.empty()) {
    refuse("no exceptions with rows of this form", std::to_string(change.exceptions.size()));
  }
  check_exceptions(change.exceptions, rows);
  for (const std::uint32_t node : change.dead) {
    if (node >= count + rows) refuse("dead nodes below " + std::to_string(count + rows), std::to_string(node));
  }
}

}  // namespace embedless::index
