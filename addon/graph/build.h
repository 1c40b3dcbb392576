#pragma once

#include <cstdint>
#include <span>

#include "graph/hnsw.h"
#include "graph/vamana.h"

namespace embedless::graph {

/// Builds a graph of the recipe's kind.
///
/// @param live bit i of word i / 64: node i is linked. Others keep their number, have no edges, and their vectors are
/// not
///   looked at. Empty: all are.
/// @throws Error INVALID_ARGUMENT for no (live) vectors or more than `most_nodes`; Stopped.
Graph build(const Vectors& vectors, const Recipe& recipe, const Run& run = {},
            std::span<const std::uint64_t> live = {});

/// Links the nodes that a graph lacks, by the recipe that it was built with. Its own nodes stay as they are, dead or
/// not: `repair` first, and the dead are not met.
///
/// @param live as for `build`, of the nodes that the graph lacks.
/// @throws Error INVALID_ARGUMENT if there are fewer vectors than nodes in the graph; Stopped.
Graph extend(const Graph& graph, const Vectors& vectors, const Run& run = {}, std::span<const std::uint64_t> live = {});

}  // namespace embedless::graph
