#include "graph/thin.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "base/parallel.h"
#include "base/random.h"
#include "graph/packed.h"
#include "graph/prune.h"

namespace embedless::graph {
namespace {

/// Nodes of one task.
constexpr std::size_t grain = 256;

using Lists = std::vector<std::vector<std::uint32_t>>;

/// The nodes with the most edges, ties by node.
std::vector<bool> find_hubs(const Lists& lists, double share) {
  const std::size_t count = lists.size();
  std::vector<std::uint32_t> edges(count);
  for (std::size_t node = 0; node < count; ++node) {
    edges[node] += static_cast<std::uint32_t>(lists[node].size());
    for (const std::uint32_t neighbor : lists[node]) ++edges[neighbor];
  }
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::stable_sort(order, [&](std::uint32_t a, std::uint32_t b) { return edges[a] > edges[b]; });
  std::vector<bool> hubs(count);
  const auto wanted = static_cast<std::size_t>(share * static_cast<double>(count));
  for (std::size_t i = 0; i < std::min(wanted, count); ++i) hubs[order[i]] = true;
  return hubs;
}

void prune_list(const Vectors& vectors, float alpha, std::size_t degree, std::uint32_t node,
                std::vector<std::uint32_t>& list) {
  Pruner pruner;
  Query query;
  std::vector<float> distances(list.size());
  vectors.prepare_node(node, query);
  vectors.distances(query, list, distances.data());
  std::vector<Found> candidates;
  for (std::size_t i = 0; i < list.size(); ++i) candidates.push_back({distances[i], list[i]});
  std::sort(candidates.begin(), candidates.end(), nearer);
  list.clear();
  for (const Found& kept : pruner.prune(vectors, alpha, candidates, degree)) list.push_back(kept.node);
}

void drop_random(std::size_t degree, std::uint64_t seed, std::uint32_t node, std::vector<std::uint32_t>& list) {
  base::Random random(seed + node);
  for (std::size_t i = 0; i < degree; ++i) std::swap(list[i], list[i + random.below(list.size() - i)]);
  list.resize(degree);
}

/// Edges into hubs are turned around as well, as far as the hubs have room.
void give_back(const Lists& before, const std::vector<bool>& hubs, std::size_t room, Lists& lists) {
  for (std::size_t node = 0; node < lists.size(); ++node) {
    for (const std::uint32_t neighbor : before[node]) {
      auto& list = lists[neighbor];
      const auto source = static_cast<std::uint32_t>(node);
      if (!hubs[neighbor] || list.size() >= room || std::ranges::find(list, source) != list.end()) continue;
      list.push_back(source);
    }
  }
}

}  // namespace

Graph thin(const Graph& whole, const Vectors& vectors, const ThinOptions& options) {
  const float alpha = options.alpha != 0 ? options.alpha : vectors.metric() == base::Metric::ip ? 0.95f : 1.2f;
  const Adjacency& graph = *whole.lists;
  Lists before(graph.count());
  std::vector<std::uint32_t> room(graph.room_nodes());
  for (std::size_t node = 0; node < before.size(); ++node) {
    const auto list = graph.neighbors(static_cast<std::uint32_t>(node), room.data());
    before[node].assign(list.begin(), list.end());
  }
  Lists lists = before;
  const bool with_hubs = options.method == ThinMethod::hubs;
  const auto hubs = with_hubs ? find_hubs(before, options.hub_share) : std::vector<bool>(before.size());
  base::parallel_for(options.threads, (lists.size() + grain - 1) / grain, [&](std::size_t task) {
    for (std::size_t i = task * grain; i < std::min(lists.size(), (task + 1) * grain); ++i) {
      base::check(options.stop);
      if (hubs[i] || lists[i].size() <= options.degree) continue;
      const auto node = static_cast<std::uint32_t>(i);
      if (options.method == ThinMethod::random) {
        drop_random(options.degree, options.seed, node, lists[i]);
      } else {
        prune_list(vectors, alpha, options.degree, node, lists[i]);
      }
    }
  });
  if (with_hubs) give_back(before, hubs, graph.max_degree(), lists);
  std::size_t longest = 1;
  for (const auto& list : lists) longest = std::max(longest, list.size());
  auto thinned = std::make_shared<FlatAdjacency>(lists.size(), longest);
  for (std::size_t i = 0; i < lists.size(); ++i) thinned->set(static_cast<std::uint32_t>(i), lists[i]);
  Graph made = whole;
  made.lists = std::move(thinned);
  const auto degree = static_cast<std::uint32_t>(options.degree);
  made.recipe.max_degree = std::min(made.recipe.max_degree, degree);
  made.recipe.prune_to = std::min(made.recipe.prune_to, degree);
  return made;
}

std::size_t degree_for_bytes(std::size_t count, double bytes) {
  std::size_t degree = 1;
  while (degree < most_degree && packed_bytes(count, degree + 1) <= bytes) ++degree;
  return degree;
}

}  // namespace embedless::graph
