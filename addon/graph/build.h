#pragma once

#include "graph/hnsw.h"
#include "graph/vamana.h"

namespace embedless::graph {

/// Builds a graph of the recipe's kind. @throws Error INVALID_ARGUMENT for no vectors or more than `most_nodes`; Stopped.
Graph build(const Vectors& vectors, const Recipe& recipe, const Run& run = {});

/// Links the nodes that a graph lacks, by the recipe that it was built with. @throws Error INVALID_ARGUMENT if there are
/// fewer vectors than nodes in the graph; Stopped.
Graph extend(const Graph& graph, const Vectors& vectors, const Run& run = {});

}  // namespace embedless::graph
