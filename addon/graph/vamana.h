#pragma once

#include <cstdint>

#include "base/stop.h"
#include "graph/graph.h"

namespace embedless::graph {

/// The node nearest to the mean of all vectors: where walks begin. @throws Stopped.
std::uint32_t find_medoid(const Vectors& vectors, unsigned threads, const base::StopFlag* stop);

/// Builds the graph of at least one vector. The same bytes for any number of threads. @throws Stopped within 5 ms.
Graph build_vamana(const Vectors& vectors, const Recipe& recipe, const Run& run = {});

/// Links the nodes from `graph.lists->count()` on into a graph over the nodes before, as its recipe says; the entry
/// stays. Lists longer than the recipe's `max_degree` keep their length. @throws Stopped.
Graph extend_vamana(const Graph& graph, const Vectors& vectors, const Run& run = {});

}  // namespace embedless::graph
