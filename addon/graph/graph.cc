#include "graph/graph.h"

#include <array>

namespace embedless::graph {

namespace {

/// The members of a layer on the way down.
class SubsetDistances final : public Distances {
 public:
  SubsetDistances(const Distances& all, std::span<const std::uint32_t> members) : all_(all), members_(members) {}

  void distances(const Query& query, std::span<const std::uint32_t> slots, float* out) const override {
    subset_distances(all_, members_, query, slots, out);
  }

 private:
  const Distances& all_;
  std::span<const std::uint32_t> members_;
};

}  // namespace

void subset_distances(const Distances& all, std::span<const std::uint32_t> members, const Query& query,
                      std::span<const std::uint32_t> slots, float* out) {
  constexpr std::size_t most = 64;
  std::array<std::uint32_t, most> nodes;
  for (std::size_t first = 0; first < slots.size(); first += most) {
    const std::size_t count = std::min(most, slots.size() - first);
    for (std::size_t i = 0; i < count; ++i) nodes[i] = members[slots[first + i]];
    all.distances(query, {nodes.data(), count}, out + first);
  }
}

std::uint32_t Graph::enter(const Distances& vectors, const Query& query, Walker& walker, std::size_t lowest) const {
  std::uint32_t node = entry;
  for (std::size_t i = layers.size(); i-- > lowest;) {
    const Layer& layer = layers[i];
    const SubsetDistances members(vectors, layer.members);
    node = layer.members[walker.descend(*layer.lists, members, query, layer.slot(node))];
  }
  return node;
}

std::span<const Found> Graph::search(const Distances& vectors, const Query& query, const WalkOptions& options,
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
