#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "code/stop.h"
#include "graph/graph.h"

namespace embedless::graph {

/// What an HNSW graph is built with (arXiv 1603.09320).
struct HnswOptions {
  /// Neighbors that a new node chooses (M). Lists hold as many in upper layers and twice as many in the lowest.
  std::size_t m = 16;
  /// Window of the walks that look for neighbors. More: a better graph, a longer build.
  std::size_t ef_construction = 200;
  std::uint64_t seed = 5;
  unsigned threads = 1;
  std::atomic<std::size_t>* linked = nullptr;  ///< Counts the nodes done, those of upper layers once for each layer.
  const code::StopFlag* stop = nullptr;
};

/// Highest layer that a node may stand in; a geometric choice hardly ever comes near it.
inline constexpr unsigned most_layers = 16;

/// The highest layer of a node: 0 is the lowest, every next holds 1 / m of the nodes of the one below. Depends on nothing
/// else, so that a graph can grow.
unsigned level_of(std::uint32_t node, std::size_t m, std::uint64_t seed);

/// Builds the graph of at least one vector, the layers from the top down; nodes of higher layers come first in each. The
/// same bytes for any number of threads. @throws Stopped within 5 ms.
Graph build_hnsw(const Vectors& vectors, const HnswOptions& options);

/// Links the nodes from `graph.lists->count()` on into a graph over the nodes before. Entry and number of layers stay;
/// a node whose own level is higher joins the topmost. `m` and `seed` are those of the graph. @throws Stopped.
Graph extend_hnsw(const Graph& graph, const Vectors& vectors, const HnswOptions& options);

}  // namespace embedless::graph
