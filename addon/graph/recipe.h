#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/metric.h"
#include "base/stop.h"

namespace embedless::graph {

/// Vamana: one layer (DiskANN, NeurIPS 2019). HNSW: ever smaller layers above it (arXiv 1603.09320).
enum class Kind : std::uint8_t { vamana, hnsw };

/// What a graph is built with, and extended with later: it stays with the graph, in memory and on disk. Names as in SVS
/// and in the paper of HNSW.
struct Recipe {
  Kind kind = Kind::vamana;
  std::uint64_t seed = 5;

  /// Vamana: slack of the prune; l2 and cosine 1 or more, ip 1 or less; see `Pruner`. 0: 1.2, ip 0.95.
  float alpha = 0;
  /// Vamana: neighbors of a node at most (R). More: fewer steps, more bytes.
  std::uint32_t max_degree = 32;
  /// Vamana: window of the walks that look for neighbors (L). More: a better graph, a longer build.
  std::uint32_t build_window = 128;
  /// Vamana: nearest candidates that a choice of neighbors considers. 0: twice the window.
  std::uint32_t max_candidates = 0;
  /// Vamana: to how many neighbors an overflowing list is cut; a lower number means fewer cuts. 0: max_degree.
  std::uint32_t prune_to = 0;
  /// Vamana: candidates are all nodes that the walk expanded, not only its window: adds long edges.
  bool full_search_history = true;
  /// Vamana: rounds over all nodes; the second one links each node again into the finished graph.
  std::uint32_t passes = 1;

  /// HNSW: neighbors that a new node chooses (M). Lists hold as many in upper layers and twice as many in the lowest.
  std::uint32_t m = 16;
  /// HNSW: window of the walks that look for neighbors. More: a better graph, a longer build.
  std::uint32_t ef_construction = 200;

  bool operator==(const Recipe&) const = default;
};

/// Slack of the prunes of a graph on vectors of this metric.
inline float alpha_of(const Recipe& recipe, base::Metric metric) {
  if (recipe.kind == Kind::hnsw) return 1.0f;
  if (recipe.alpha != 0) return recipe.alpha;
  return metric == base::Metric::ip ? 0.95f : 1.2f;
}

/// Longest list that a graph may have: its length is one byte where it is packed.
inline constexpr std::size_t most_degree = 255;
/// Widest window of a walk, in a build or a search.
inline constexpr std::size_t most_window = std::size_t{1} << 20;
inline constexpr std::size_t most_passes = 16;
/// Slack of a prune, either way.
inline constexpr float most_alpha = 16;

/// Whether a graph can be built with it.
inline bool is_possible(const Recipe& recipe) {
  const auto within = [](std::size_t value, std::size_t low, std::size_t high) {
    return value >= low && value <= high;
  };
  const bool slack = recipe.alpha == 0 || (recipe.alpha >= 1 / most_alpha && recipe.alpha <= most_alpha);
  return slack && within(recipe.max_degree, 1, most_degree) && within(recipe.build_window, 1, most_window) &&
         within(recipe.max_candidates, 0, most_window) && within(recipe.prune_to, 0, recipe.max_degree) &&
         within(recipe.passes, 1, most_passes) && within(recipe.m, 2, most_degree / 2) &&
         within(recipe.ef_construction, 1, most_window);
}

/// How far a build is, for whoever shows it. Nodes that stand in several layers, or are linked in several passes, count
/// each time.
struct Progress {
  std::atomic<std::size_t> done{0};
  std::atomic<std::size_t> total{0};
};

/// How work on a graph runs; none of it changes the result.
struct Run {
  unsigned threads = 1;
  Progress* progress = nullptr;
  const base::StopFlag* stop = nullptr;
};

}  // namespace embedless::graph
