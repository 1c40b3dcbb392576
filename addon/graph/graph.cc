#include "graph/graph.h"

#include <array>

namespace embedless::graph {

void SubsetVectors::distances(const Query& query, std::span<const std::uint32_t> slots, float* out) const {
  constexpr std::size_t most = 64;
  std::array<std::uint32_t, most> nodes;
  for (std::size_t first = 0; first < slots.size(); first += most) {
    const std::size_t count = std::min(most, slots.size() - first);
    for (std::size_t i = 0; i < count; ++i) nodes[i] = members_[slots[first + i]];
    all_.distances(query, {nodes.data(), count}, out + first);
  }
}

std::uint32_t Graph::enter(const Vectors& vectors, const Query& query, Walker& walker, std::size_t lowest) const {
  std::uint32_t node = entry;
  for (std::size_t i = layers.size(); i-- > lowest;) {
    const Layer& layer = layers[i];
    const SubsetVectors members(vectors, layer.members);
    node = layer.members[walker.descend(*layer.lists, members, query, layer.slot(node))];
  }
  return node;
}

std::span<const Found> Graph::search(const Vectors& vectors, const Query& query, const WalkOptions& options,
                                     Walker& walker) const {
  const std::uint32_t from = enter(vectors, query, walker);
  return walker.search(*lists, vectors, query, {&from, 1}, options);
}

std::size_t Graph::memory_bytes() const {
  std::size_t bytes = lists->memory_bytes();
  for (const Layer& layer : layers) {
    bytes += layer.members.capacity() * sizeof(std::uint32_t) + layer.lists->memory_bytes();
  }
  return bytes;
}

}  // namespace embedless::graph
