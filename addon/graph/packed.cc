#include "graph/packed.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string>

#include "base/error.h"

namespace embedless::graph {
namespace {

/// 57 bits from bit `at` on; the memory behind them must be readable.
std::uint64_t bits_at(const std::uint8_t* from, std::size_t at) {
  std::uint64_t word;
  std::memcpy(&word, from + at / 8, sizeof word);
  if constexpr (std::endian::native == std::endian::big) {
    std::uint64_t turned = 0;
    for (int i = 0; i < 8; ++i) turned |= ((word >> (8 * i)) & 0xffu) << (56 - 8 * i);
    word = turned;
  }
  return word >> (at % 8);
}

/// Sets up to 32 bits from bit `at` on, which are zero so far.
void put_bits(std::uint8_t* to, std::size_t at, std::uint64_t value) {
  value <<= at % 8;
  for (std::size_t byte = at / 8; value != 0; ++byte, value >>= 8) to[byte] |= static_cast<std::uint8_t>(value);
}

[[noreturn]] void corrupt(const std::string& what) {
  throw base::Error("CORRUPT", "The graph is damaged: " + what + ".");
}

struct Shape {
  std::uint8_t low;
  std::uint32_t bits;
};

/// The number of lower bits that makes a list of n neighbors shortest: the upper parts take n ones and a zero a step.
Shape shape_of(std::size_t count, std::size_t n) {
  const std::size_t last = count == 0 ? 0 : count - 1;
  Shape best{0, ~std::uint32_t{0}};
  for (std::uint8_t low = 0; low < 32; ++low) {
    const std::size_t bits = n * low + n + (last >> low);
    if (bits < best.bits) best = {low, static_cast<std::uint32_t>(bits)};
  }
  return best;
}

}  // namespace

double packed_bytes(std::size_t count, std::size_t degree) {
  constexpr double beside = 1.0 + 4.0 / 16;
  return static_cast<double>(shape_of(count, degree).bits) / 8 + beside;
}

PackedAdjacency::PackedAdjacency(const Adjacency& lists, const base::StopFlag* stop)
    : count_(lists.count()), max_degree_(0) {
  prepare();
  std::vector<std::uint32_t> room(lists.room_nodes());
  std::vector<std::uint32_t> ascending;
  for (std::size_t first = 0; first < count_; first += packed_block_nodes) {
    base::check(stop);
    const std::size_t end = std::min(count_, first + packed_block_nodes);
    std::vector<std::uint8_t> block(end - first);
    std::size_t bit = 8 * block.size();
    for (std::size_t i = first; i < end; ++i) {
      const auto list = lists.neighbors(static_cast<std::uint32_t>(i), room.data());
      if (list.size() > most_degree) {
        throw base::Error("LIMIT", "Expected lists of at most " + std::to_string(most_degree) +
                                       " neighbors to pack, but received " + std::to_string(list.size()) + ".");
      }
      ascending.assign(list.begin(), list.end());
      std::sort(ascending.begin(), ascending.end());
      max_degree_ = std::max(max_degree_, ascending.size());
      block[i - first] = static_cast<std::uint8_t>(ascending.size());
      const std::size_t next = bit + lengths_[ascending.size()];
      block.resize((next + 7) / 8);
      write(block, bit, ascending);
      bit = next;
    }
    block.resize(block.size() + slack);
    add_block(std::move(block));
  }
}

PackedAdjacency::PackedAdjacency(std::size_t count, std::size_t max_degree,
                                 std::span<const std::vector<std::uint8_t>> blocks, const base::StopFlag* stop)
    : count_(count), max_degree_(max_degree) {
  if (count > most_nodes || max_degree > most_degree) corrupt("its size is out of range");
  if (blocks.size() != (count + packed_block_nodes - 1) / packed_block_nodes)
    corrupt("it has another number of blocks");
  prepare();
  std::size_t longest = 0;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const std::size_t nodes = std::min(packed_block_nodes, count - i * packed_block_nodes);
    if (blocks[i].size() < nodes) corrupt("block " + std::to_string(i) + " is cut");
    std::size_t bits = 8 * nodes;
    for (std::size_t j = 0; j < nodes; ++j) {
      if (blocks[i][j] > max_degree) corrupt("a list of block " + std::to_string(i) + " is too long");
      longest = std::max<std::size_t>(longest, blocks[i][j]);
      bits += lengths_[blocks[i][j]];
    }
    if (blocks[i].size() != (bits + 7) / 8) corrupt("block " + std::to_string(i) + " has another length");
    std::vector<std::uint8_t> block = blocks[i];
    block.resize(block.size() + slack);
    add_block(std::move(block));
  }
  // Flat lists take as much room each as the longest: a wrong length would cost a kilobyte a node.
  if (longest != max_degree) corrupt("its longest list is another");
  std::vector<std::uint32_t> room(room_nodes());
  for (std::size_t node = 0; node < count; ++node) {
    if (node % packed_block_nodes == 0) base::check(stop);
    check(static_cast<std::uint32_t>(node), room.data());
  }
}

void PackedAdjacency::prepare() {
  for (std::size_t n = 1; n <= most_degree; ++n) {
    const Shape shape = shape_of(count_, n);
    low_bits_[n] = shape.low;
    lengths_[n] = shape.bits;
  }
  offsets_.reserve((count_ + group - 1) / group);
}

void PackedAdjacency::add_block(std::vector<std::uint8_t> bytes) {
  const std::size_t first = blocks_.size() * packed_block_nodes;
  const std::size_t nodes = std::min(packed_block_nodes, count_ - first);
  std::size_t bit = 8 * nodes;
  for (std::size_t i = 0; i < nodes; ++i) {
    if (i % group == 0) offsets_.push_back(static_cast<std::uint32_t>(bit));
    bit += lengths_[bytes[i]];
  }
  bytes.shrink_to_fit();
  blocks_.push_back(std::move(bytes));
}

inline std::size_t PackedAdjacency::bit_of(const std::vector<std::uint8_t>& block, std::uint32_t node) const {
  const std::uint8_t* lengths = block.data() + node % packed_block_nodes / group * group;
  const std::size_t before = node % group;
  std::size_t bit = offsets_[node / group];
  // All of the group: a loop that ends after `before` of them would be mispredicted at nearly every list.
  for (std::size_t i = 0; i + 1 < group; ++i) bit += i < before ? lengths_[lengths[i]] : 0;
  return bit;
}

void PackedAdjacency::write(std::vector<std::uint8_t>& block, std::size_t bit,
                            std::span<const std::uint32_t> ascending) const {
  const std::size_t low = low_bits_[ascending.size()];
  const std::size_t uppers = bit + ascending.size() * low;
  for (std::size_t i = 0; i < ascending.size(); ++i) {
    const std::uint32_t node = ascending[i];
    put_bits(block.data(), bit + i * low, node & ((std::uint64_t{1} << low) - 1));
    put_bits(block.data(), uppers + (node >> low) + i, 1);
  }
}

std::span<const std::uint32_t> PackedAdjacency::neighbors(std::uint32_t node, std::uint32_t* room) const {
  const auto& block = blocks_[node / packed_block_nodes];
  const std::size_t length = block[node % packed_block_nodes];
  const std::size_t low = low_bits_[length];
  const std::uint64_t mask = (std::uint64_t{1} << low) - 1;
  std::size_t lower = bit_of(block, node);
  const std::size_t end = lower + lengths_[length];
  const std::size_t uppers = lower + length * low;
  std::size_t found = 0;
  // Upper parts, up to 56 bits at a time; of a damaged list fewer than `length` ones may lie before its end. Before a
  // one stand the ones of all neighbors before it, and else zeros: as many as its upper part says.
  for (std::size_t at = uppers; found < length && at < end; at += 56) {
    const std::size_t taken = std::min<std::size_t>(56, end - at);
    std::uint64_t bits = bits_at(block.data(), at) & ((std::uint64_t{1} << taken) - 1);
    for (; bits != 0 && found < length; bits &= bits - 1, lower += low) {
      const std::size_t zeros = at - uppers + static_cast<std::size_t>(std::countr_zero(bits)) - found;
      room[found++] =
          static_cast<std::uint32_t>(zeros << low) | static_cast<std::uint32_t>(bits_at(block.data(), lower) & mask);
    }
  }
  return {room, found};
}

void PackedAdjacency::check(std::uint32_t node, std::uint32_t* room) const {
  const auto list = neighbors(node, room);
  const std::string name = "the list of node " + std::to_string(node);
  if (list.size() != degree(node)) corrupt(name + " is cut");
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (list[i] >= count_) corrupt(name + " leads to a node that does not exist");
    if (list[i] == node) corrupt(name + " leads to itself");
    if (i > 0 && list[i] <= list[i - 1]) corrupt(name + " is not in order");
  }
}

void PackedAdjacency::fetch(std::uint32_t node) const {
  const auto& block = blocks_[node / packed_block_nodes];
  const std::uint8_t* from = block.data() + offsets_[node / group] / 8;
  // Somewhere behind the start of the group lies the list; its middle is the best guess without reading the degrees.
  const std::size_t guess = node % group * (lengths_[max_degree_] / 8);
  const std::size_t room = static_cast<std::size_t>(block.data() + block.size() - from);
  fetch_line(from + std::min(guess, room - 1));
  fetch_line(&block[node % packed_block_nodes]);
}

std::size_t PackedAdjacency::memory_bytes() const {
  std::size_t bytes = offsets_.capacity() * sizeof(std::uint32_t);
  for (const auto& block : blocks_) bytes += block.capacity() + sizeof block;
  return bytes;
}

}  // namespace embedless::graph
