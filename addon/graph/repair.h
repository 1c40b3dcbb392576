#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "graph/graph.h"

namespace embedless::graph {

/// Takes nodes out of a graph (consolidation of FreshDiskANN, arXiv 2105.09613): whoever led to a dead node now may
/// lead to where that one led, pruned again on the vectors at hand to at most as many as the longest list has. Dead
/// nodes keep their number and have no edges left. If the entry dies, the live node nearest to it takes its place.
///
/// @param live bit i of word i / 64: node i stays. At least one node of the graph does.
/// @throws Error INVALID_ARGUMENT if none stays; Stopped.
Graph repair(const Graph& graph, const Vectors& vectors, std::span<const std::uint64_t> live, const Run& run = {});

/// The graph under other numbers: node i becomes `numbers[i]`, which count up from 0 without a gap; `no_node` for nodes
/// that are gone. @throws Error INVALID_ARGUMENT for other numbers, or if a node that is gone still stands in a list.
Graph renumber(const Graph& graph, std::span<const std::uint32_t> numbers);

}  // namespace embedless::graph
