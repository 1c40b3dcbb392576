#pragma once

#include <cstddef>
#include <cstdint>

#include "graph/graph.h"

namespace embedless::graph {

/// Highest layer that a node may stand in; a geometric choice hardly ever comes near it.
inline constexpr unsigned most_layers = 16;

/// The highest layer of a node: 0 is the lowest, every next holds 1 / m of the nodes of the one below. Depends on
/// nothing else, so that a graph can grow.
unsigned level_of(std::uint32_t node, std::size_t m, std::uint64_t seed);

/// Builds the graph of at least one vector, the layers from the top down; nodes of higher layers come first in each.
/// The same bytes for any number of threads. @throws Stopped within 5 ms.
Graph build_hnsw(const Vectors& vectors, const Recipe& recipe, const Run& run = {});

/// Links the nodes from `graph.lists->count()` on into a graph over the nodes before, as its recipe says. Entry and
/// number of layers stay; a node whose own level is higher joins the topmost. @throws Stopped.
Graph extend_hnsw(const Graph& graph, const Vectors& vectors, const Run& run = {});

}  // namespace embedless::graph
