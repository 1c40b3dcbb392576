#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "graph/adjacency.h"
#include "graph/prune.h"
#include "graph/recipe.h"
#include "graph/search.h"
#include "graph/vectors.h"

namespace embedless::graph {

/// How nodes are linked into one layer.
struct LinkOptions {
  float alpha = 1.2f;
  std::size_t degree = 32;      ///< Neighbors of a node at most, in the end.
  std::size_t new_degree = 32;  ///< Neighbors that a new node chooses at most.
  std::size_t prune_to = 32;    ///< To how many an overflowing list is cut.
  std::size_t window = 128;
  std::size_t max_candidates = 256;  ///< Nearest candidates that a choice considers.
  bool full_history = true;          ///< Candidates are all expanded nodes, not only the window.
  Run run;
};

/// Links nodes into a layer in parallel, with the same result for any number of threads (as ParlayANN does it,
/// arXiv 2305.04359).
///
/// Nodes come in batches that double in size. Every node of a batch searches the graph as it was before the batch and
/// chooses its neighbors; then, once all have, edges are turned around, sorted by target and put into the targets'
/// lists, each by one task. A list may overflow by a third before it is pruned, which makes prunes few.
class Linker {
 public:
  /// An empty layer over the vectors, which must stay.
  Linker(const Vectors& vectors, const LinkOptions& options);

  /// Starts from the lists of an existing graph over the first `graph.count()` nodes.
  void load(const Adjacency& graph);

  /// Links nodes in this order. A walk begins at `entry(node, walker, query)`, which may be the node itself only if it
  /// is the first of an empty layer. @throws Stopped; then the linker is of no more use.
  using Entry = std::function<std::uint32_t(std::uint32_t node, Walker& walker, const Query& query)>;
  void link(std::span<const std::uint32_t> nodes, const Entry& entry);

  /// Cuts all lists to the degree and returns them.
  std::shared_ptr<FlatAdjacency> finish();

 private:
  struct Edge {
    std::uint32_t target;
    Found source;
  };
  struct Worker {
    Walker walker;
    Pruner pruner;
    Query query;
    std::vector<Found> candidates;
    std::vector<std::uint32_t> nodes;
    std::vector<float> distances;
  };

  std::span<Found> list(std::uint32_t node) { return {&places_[node * room_], lengths_[node]}; }
  void set(std::uint32_t node, std::span<const Found> found);
  void choose(std::uint32_t node, const Entry& entry, Worker& worker, std::vector<Found>& chosen);
  void add_sources(std::uint32_t target, std::span<const Edge> edges, Worker& worker);
  void link_batch(std::span<const std::uint32_t> batch, const Entry& entry);
  std::vector<Edge> reversed(std::span<const std::uint32_t> batch, std::span<const std::vector<Found>> chosen);
  void turn_around(std::span<const std::uint32_t> batch, std::span<const std::vector<Found>> chosen);
  template <class Work>
  void parallel(std::size_t count, std::size_t grain, Work work);

  /// The lists of the moment as a walk sees them.
  class View final : public Adjacency {
   public:
    explicit View(const Linker& linker) : linker_(linker) {}
    std::size_t count() const override { return linker_.lengths_.size(); }
    std::size_t max_degree() const override { return linker_.room_; }
    std::span<const std::uint32_t> neighbors(std::uint32_t node, std::uint32_t* room) const override {
      const Found* from = &linker_.places_[node * linker_.room_];
      const std::size_t length = linker_.lengths_[node];
      for (std::size_t i = 0; i < length; ++i) room[i] = from[i].node;
      return {room, length};
    }
    void fetch(std::uint32_t node) const override { fetch_line(&linker_.places_[node * linker_.room_]); }
    std::size_t memory_bytes() const override { return 0; }

   private:
    const Linker& linker_;
  };

  const Vectors& vectors_;
  LinkOptions options_;
  std::size_t room_;  // places of a list while building
  PagedArray<Found> places_;
  std::vector<std::uint32_t> lengths_;
  std::size_t linked_ = 0;  // nodes that have lists
  View view_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace embedless::graph
