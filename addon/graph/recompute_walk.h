#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "graph/graph.h"

namespace embedless::graph {

/// Which of the nodes that a walk has only estimates of get their exact distance next.
enum class RecomputeStrategy : std::uint8_t {
  /// The best `ratio` of all nodes ever met, those already exact among them: early rejects can return. LEANN's paper.
  global,
  /// The best `ratio` of the new neighbors of each expanded node; the others are forgotten and may be met again.
  local,
  /// As many as `ratio` of the new neighbors, but the best of all that still wait.
  proportional,
};

struct RecomputeOptions {
  /// Nearest nodes whose neighbors are all looked at (ef). More: more recomputes, more recall.
  std::size_t window = 64;
  /// Recomputes to ask for together at least, as long as nodes wait for expansion: several are expanded at once, which
  /// fills batches at the price of a somewhat stale order. 1: strictly one expansion after the other.
  std::size_t batch = 1;
  /// Share of the estimated nodes that get their exact distance, above 0 to 1. 1 computes all of them.
  double ratio = 1;
  RecomputeStrategy strategy = RecomputeStrategy::global;
  /// As in `WalkOptions`; copied.
  std::span<const std::uint64_t> allowed = {};
};

/// A node with its exact distance.
struct Exact {
  double distance;
  std::uint32_t node;
};

/// A walk over a graph whose vectors are nowhere: it says which nodes it needs, and somebody who embeds their texts
/// tells their distances, until it is done.
///
/// Without estimates it is the best-first search that LEANN ships: every node it meets is recomputed, none twice, in
/// upper layers either. With estimates it is LEANN's two-level search (arXiv 2506.08276, Algorithm 2): every node met
/// is estimated, the promising ones are recomputed, and exact distances alone decide where the walk goes on. Upper
/// layers are then descended on estimates.
///
/// Deterministic: the order in which distances arrive does not matter. Not for use by several threads at once.
class RecomputeWalk {
 public:
  /// Writes estimated distances of nodes; lower is nearer.
  using Estimate = std::function<void(std::span<const std::uint32_t> nodes, float* out)>;

  /// @throws Error INVALID_ARGUMENT for a ratio outside (0, 1], a window or batch of 0.
  RecomputeWalk(std::shared_ptr<const Graph> graph, const RecomputeOptions& options, Estimate estimate = {});

  bool done() const { return wanted_.empty(); }
  /// Nodes whose exact distances it needs next; empty when done.
  const std::vector<std::uint32_t>& wants() const { return wanted_; }
  /// Exact distances of `nodes`, and nodes that are gone; together all wanted nodes, each once, in any order.
  /// @throws Error INVALID_ARGUMENT for anything else, and then nothing has changed.
  void feed(std::span<const std::uint32_t> nodes, std::span<const double> distances,
            std::span<const std::uint32_t> missing);

  /// The nearest nodes that may be answered, at most `window`, in order (distance, node).
  const std::vector<Exact>& nearest() const { return nearest_; }
  /// Nodes whose exact distances it was told.
  std::size_t recomputed() const { return known_.size(); }

 private:
  struct Estimated {
    float distance;
    std::uint32_t node;
  };

  void begin();
  void advance();
  void descend_exactly();
  void descend_on_estimates();
  void expand();
  void meet(std::span<const std::uint32_t> fresh);
  void choose_from_all();
  void want(std::uint32_t node);
  void learn(std::uint32_t node, double distance);
  void pass(std::uint32_t node);
  bool is_allowed(std::uint32_t node) const;
  std::span<const std::uint32_t> layer_neighbors(const Layer& layer, std::uint32_t node);

  std::shared_ptr<const Graph> graph_;
  RecomputeOptions options_;
  std::vector<std::uint64_t> allowed_;
  Estimate estimate_;
  std::size_t layer_;        // upper layers still to descend
  std::uint32_t place_;      // where the descent stands
  std::vector<bool> met_;    // in the lowest layer
  std::vector<bool> asked_;  // recomputed, or to be
  std::unordered_map<std::uint32_t, double> known_;
  std::vector<Exact> frontier_;       // a heap of exact nodes not expanded
  std::vector<Exact> nearest_;        // sorted
  std::vector<Estimated> estimated_;  // sorted; by strategy all that were met, or those that wait
  std::vector<std::uint32_t> wanted_;
  std::vector<std::uint32_t> room_;
};

}  // namespace embedless::graph
