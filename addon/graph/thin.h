#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/stop.h"
#include "graph/graph.h"
#include "graph/vectors.h"

namespace embedless::graph {

/// How the lists of a finished graph are cut to fewer edges.
enum class ThinMethod : std::uint8_t {
  /// Every list is pruned again, by the rule that made it. The best measured at equal bytes.
  prune,
  /// LEANN's high-degree preserving prune (arXiv 2506.08276, Algorithm 3): the nodes with the most edges in and out
  /// keep theirs, the others are pruned to `degree`, and what they lose is not lost for hubs: an edge from a node to a
  /// hub that did not have it back is added to the hub's list while there is room.
  hubs,
  /// Edges are dropped by chance: what the others are measured against.
  random,
};

struct ThinOptions {
  ThinMethod method = ThinMethod::prune;
  /// Neighbors that a node keeps at most, hubs apart.
  std::size_t degree = 12;
  /// Share of nodes that are hubs; method hubs only.
  double hub_share = 0.02;
  /// Slack of the prune; see `Recipe::alpha`. 0: 1.2, ip 0.95.
  float alpha = 0;
  std::uint64_t seed = 5;
  unsigned threads = 1;
  const base::StopFlag* stop = nullptr;
};

/// A graph with fewer edges over the same nodes: its lowest layer is thinned, and a Vamana graph grows by lists of that
/// length from then on. The same for any number of threads. @throws Stopped.
Graph thin(const Graph& graph, const Vectors& vectors, const ThinOptions& options);

/// The longest lists whose packed form takes at most `bytes` a node, offsets included, in a graph of `count` nodes; at
/// least 1.
std::size_t degree_for_bytes(std::size_t count, double bytes);

}  // namespace embedless::graph
