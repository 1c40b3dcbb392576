#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "graph/graph.h"

namespace embedless::graph {

/// A graph as bytes: a header, and blocks that each hold up to 4,096 nodes, so that storage can check and replace them
/// one by one. Checksums are storage's.
///
///   header   "EGRF" · u32 version · u32 nodes · u32 longest list · u32 entry · u32 layers ·
///            recipe (11 x u32, see graph_file.cc) · for each layer u32 members, u32 longest list
///   blocks   packed lists of all nodes (see `PackedAdjacency`) · for each layer its members (u32, ascending) cut into
///            blocks of 4,096, then its packed lists
///
/// All numbers little-endian.
struct SavedGraph {
  std::vector<std::uint8_t> header;
  std::vector<std::vector<std::uint8_t>> blocks;
};

/// @throws Error LIMIT for a list of more than 255 neighbors; Stopped.
SavedGraph save_graph(const Graph& graph, const base::StopFlag* stop = nullptr);

/// How lists lie in memory: flat is the fastest, packed takes half.
enum class ListForm : std::uint8_t { flat, packed };

/// Checks everything: sizes, every neighbor, the entry, and that the members of layers ascend and lie in the layer
/// below.
/// @throws Error CORRUPT for what `save_graph` cannot have made, FORMAT_VERSION for a newer version; Stopped.
Graph load_graph(const SavedGraph& saved, ListForm form, const base::StopFlag* stop = nullptr);

/// The same lists in places of the same size.
std::shared_ptr<FlatAdjacency> flatten(const Adjacency& lists);

}  // namespace embedless::graph
