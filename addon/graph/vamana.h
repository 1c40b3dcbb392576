#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "code/stop.h"
#include "graph/graph.h"

namespace embedless::graph {

/// What a Vamana graph is built with (DiskANN, NeurIPS 2019; names as in SVS).
struct VamanaOptions {
  /// Slack of the prune: l2 and cosine 1 or more, ip 1 or less; see `Pruner`. 0: 1.2, ip 0.95.
  float alpha = 0;
  /// Neighbors of a node at most (R). More: fewer steps, more bytes.
  std::size_t max_degree = 32;
  /// Window of the walks that look for neighbors (L). More: a better graph, a longer build.
  std::size_t build_window = 128;
  /// Nearest candidates that a choice of neighbors considers. 0: twice the window.
  std::size_t max_candidates = 0;
  /// To how many neighbors an overflowing list is cut; a lower number means fewer cuts. 0: max_degree.
  std::size_t prune_to = 0;
  /// Candidates are all nodes that the walk expanded, not only its window: adds long edges.
  bool full_search_history = true;
  /// Rounds over all nodes; the second one links each node again into the finished graph.
  std::size_t passes = 1;
  std::uint64_t seed = 5;
  unsigned threads = 1;
  std::atomic<std::size_t>* linked = nullptr;
  const code::StopFlag* stop = nullptr;
};

/// The node nearest to the mean of all vectors: where walks begin. @throws Stopped.
std::uint32_t find_medoid(const Vectors& vectors, unsigned threads, const code::StopFlag* stop);

/// Builds the graph of at least one vector. The same bytes for any number of threads. @throws Stopped within 5 ms.
Graph build_vamana(const Vectors& vectors, const VamanaOptions& options);

/// Links the nodes from `graph.lists->count()` on into a graph over the nodes before; the entry stays. `max_degree` may
/// not be below that of the graph. @throws Stopped.
Graph extend_vamana(const Graph& graph, const Vectors& vectors, const VamanaOptions& options);

}  // namespace embedless::graph
