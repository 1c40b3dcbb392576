#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "graph/adjacency.h"
#include "graph/recipe.h"

namespace embedless::graph {

/// Nodes of one block of packed lists: the unit that is stored and checked.
inline constexpr std::size_t packed_block_nodes = 4096;

/// Bytes that a list of `degree` neighbors takes among `count` nodes, with its share of lengths and offsets.
double packed_bytes(std::size_t count, std::size_t degree);

/// Lists of neighbors in about log2(N / degree) + 2 bits an edge, whatever the order of the nodes (Elias-Fano: Elias
/// 1974, Fano 1971): 13.6 bits for 30 neighbors among 100,000 nodes, where 32-bit numbers take 32 and varints of gaps
/// 16.
///
/// A list of n neighbors, ascending, out of N nodes is a run of bits: n lower parts of l(n) bits each, then the upper
/// parts, each as the zeros between it and the one before and a closing one; l(n) is the choice that needs fewest bits.
/// Its length depends on n and N alone, so a block needs no offset for every list.
///
///   block   [u8 n x nodes of the block][bits of all lists, the first in the lowest bits, padded to a byte]
///
/// The blocks are the same in memory and on disk; only in memory a table holds where every 16th list begins.
class PackedAdjacency final : public Adjacency {
 public:
  /// Packs lists of at most `most_degree` neighbors; the order within a list is lost.
  /// @throws Error LIMIT for a longer list.
  explicit PackedAdjacency(const Adjacency& lists, const base::StopFlag* stop = nullptr);

  /// From blocks as `block` gave them, for a graph of `count` nodes.
  /// @throws Error CORRUPT for blocks of another length or number, a list that is not ascending, a neighbor that does
  /// not exist or is the node itself, a longest list of another length than `max_degree`.
  PackedAdjacency(std::size_t count, std::size_t max_degree, std::span<const std::vector<std::uint8_t>> blocks,
                  const base::StopFlag* stop = nullptr);

  std::size_t count() const override { return count_; }
  std::size_t max_degree() const override { return max_degree_; }
  std::span<const std::uint32_t> neighbors(std::uint32_t node, std::uint32_t* room) const override;
  void fetch(std::uint32_t node) const override;
  std::size_t memory_bytes() const override;

  std::size_t blocks() const { return blocks_.size(); }
  /// The bytes of a block, for storage.
  std::span<const std::uint8_t> block(std::size_t i) const { return {blocks_[i].data(), blocks_[i].size() - slack}; }
  std::size_t degree(std::uint32_t node) const { return blocks_[node / packed_block_nodes][node % packed_block_nodes]; }

 private:
  /// Bytes behind a block that a read of eight may touch.
  static constexpr std::size_t slack = 16;
  /// Lists between two entries of the table of offsets.
  static constexpr std::size_t group = 16;

  void prepare();
  void add_block(std::vector<std::uint8_t> bytes);
  std::size_t bit_of(const std::vector<std::uint8_t>& block, std::uint32_t node) const;
  void write(std::vector<std::uint8_t>& block, std::size_t bit, std::span<const std::uint32_t> ascending) const;
  void check(std::uint32_t node, std::uint32_t* room) const;

  std::size_t count_;
  std::size_t max_degree_;
  std::array<std::uint8_t, most_degree + 1> low_bits_{};
  std::array<std::uint32_t, most_degree + 1> lengths_{};  // bits of a list of n neighbors
  std::vector<std::vector<std::uint8_t>> blocks_;
  std::vector<std::uint32_t> offsets_;  // bit at which every 16th list begins within its block
};

}  // namespace embedless::graph
