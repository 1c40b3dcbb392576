#include "graph/build.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"

namespace embedless::graph {
namespace {

Graph build_all(const Vectors& vectors, const Recipe& recipe, const Run& run) {
  return recipe.kind == Kind::vamana ? build_vamana(vectors, recipe, run) : build_hnsw(vectors, recipe, run);
}

Graph extend_all(const Graph& graph, const Vectors& vectors, const Run& run) {
  if (vectors.count() == graph.lists->count()) return graph;
  return graph.recipe.kind == Kind::vamana ? extend_vamana(graph, vectors, run) : extend_hnsw(graph, vectors, run);
}

/// The nodes below `first` and the live ones from there to `count`, ascending.
std::vector<std::uint32_t> members_of(std::size_t first, std::size_t count, std::span<const std::uint64_t> live) {
  std::vector<std::uint32_t> members;
  for (std::size_t node = 0; node < count; ++node) {
    if (node < first || ((live[node / 64] >> (node % 64)) & 1u) != 0)
      members.push_back(static_cast<std::uint32_t>(node));
  }
  return members;
}

/// A graph of some nodes, its own numbers being their places among `members`, as one of `count` nodes.
Graph spread(Graph graph, std::span<const std::uint32_t> members, std::size_t count) {
  auto lists = std::make_shared<FlatAdjacency>(count, graph.lists->max_degree());
  std::vector<std::uint32_t> room(graph.lists->room_nodes());
  std::vector<std::uint32_t> list;
  for (std::uint32_t slot = 0; slot < members.size(); ++slot) {
    list.clear();
    for (const std::uint32_t neighbor : graph.lists->neighbors(slot, room.data())) list.push_back(members[neighbor]);
    lists->set(members[slot], list);
  }
  graph.lists = std::move(lists);
  graph.entry = members[graph.entry];
  for (Layer& layer : graph.layers) {
    for (std::uint32_t& member : layer.members) member = members[member];
  }
  return graph;
}

}  // namespace

Graph build(const Vectors& vectors, const Recipe& recipe, const Run& run, std::span<const std::uint64_t> live) {
  if (vectors.count() == 0 || vectors.count() > most_nodes) {
    throw base::Error("INVALID_ARGUMENT", "Expected 1 to " + std::to_string(most_nodes) +
                                              " nodes to build a graph of, but received " +
                                              std::to_string(vectors.count()) + ".");
  }
  if (live.empty()) return build_all(vectors, recipe, run);
  const auto members = members_of(0, vectors.count(), live);
  if (members.empty())
    throw base::Error("INVALID_ARGUMENT", "Expected a live node to build a graph of, but received none.");
  return spread(build_all(SubsetVectors(vectors, members), recipe, run), members, vectors.count());
}

Graph extend(const Graph& graph, const Vectors& vectors, const Run& run, std::span<const std::uint64_t> live) {
  if (vectors.count() < graph.lists->count() || vectors.count() > most_nodes) {
    throw base::Error("INVALID_ARGUMENT",
                      "Expected " + std::to_string(graph.lists->count()) + " to " + std::to_string(most_nodes) +
                          " nodes to extend the graph to, but received " + std::to_string(vectors.count()) + ".");
  }
  const std::size_t first = graph.lists->count();
  if (live.empty() || vectors.count() == first) return extend_all(graph, vectors, run);
  const auto members = members_of(first, vectors.count(), live);
  return spread(extend_all(graph, SubsetVectors(vectors, members), run), members, vectors.count());
}

}  // namespace embedless::graph
