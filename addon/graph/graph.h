#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "graph/adjacency.h"
#include "graph/recipe.h"
#include "graph/search.h"
#include "graph/vectors.h"

namespace embedless::graph {

/// Distances of members by their slots: those of `all` to members[slots[i]].
void subset_distances(const Distances& all, std::span<const std::uint32_t> members, const Query& query,
                      std::span<const std::uint32_t> slots, float* out);

/// Some of the nodes of `Vectors`, numbered anew as slots.
class SubsetVectors final : public Vectors {
 public:
  /// `members` ascend; both must stay.
  SubsetVectors(const Vectors& all, std::span<const std::uint32_t> members) : all_(all), members_(members) {}

  std::size_t count() const override { return members_.size(); }
  base::Metric metric() const override { return all_.metric(); }
  std::size_t dims() const override { return all_.dims(); }
  void prepare(const float* vector, Query& query) const override { all_.prepare(vector, query); }
  void prepare_node(std::uint32_t slot, Query& query) const override { all_.prepare_node(members_[slot], query); }
  void distances(const Query& query, std::span<const std::uint32_t> slots, float* out) const override {
    subset_distances(all_, members_, query, slots, out);
  }
  void read(std::uint32_t slot, float* out) const override { all_.read(members_[slot], out); }

 private:
  const Vectors& all_;
  std::span<const std::uint32_t> members_;
};

/// An upper layer of an HNSW graph: a small graph over some of the nodes.
struct Layer {
  std::vector<std::uint32_t> members;          ///< Nodes, ascending. A slot is a place in here.
  std::shared_ptr<const FlatAdjacency> lists;  ///< Of slots.

  /// The slot of a member.
  std::uint32_t slot(std::uint32_t node) const {
    return static_cast<std::uint32_t>(std::ranges::lower_bound(members, node) - members.begin());
  }
};

/// A graph to search: Vamana has no layers above its lists, HNSW some.
struct Graph {
  /// How it was built, and is to be extended.
  Recipe recipe;
  std::shared_ptr<const Adjacency> lists;
  /// Where a walk begins; with layers a member of the topmost.
  std::uint32_t entry = 0;
  /// Upper layers, the lowest first; the members of each are members of all below it.
  std::vector<Layer> layers;

  /// Descends through the layers from number `lowest` up: the node to begin at in the layer below that one.
  std::uint32_t enter(const Distances& vectors, const Query& query, Walker& walker, std::size_t lowest = 0) const;

  /// Descends, then walks; see `Walker::search`.
  std::span<const Found> search(const Distances& vectors, const Query& query, const WalkOptions& options,
                                Walker& walker) const;

  std::size_t memory_bytes() const;
};

}  // namespace embedless::graph
