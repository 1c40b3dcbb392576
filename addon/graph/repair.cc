#include "graph/repair.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"
#include "graph/prune.h"

namespace embedless::graph {
namespace {

/// Nodes of one task.
constexpr std::size_t grain = 64;

bool is_live(std::span<const std::uint64_t> live, std::uint32_t node) {
  return node / 64 < live.size() && ((live[node / 64] >> (node % 64)) & 1u) != 0;
}

/// Repairs one list after the other.
class Repairer {
 public:
  Repairer(const Adjacency& lists, const Vectors& vectors, std::span<const std::uint64_t> live, float alpha,
           std::size_t degree)
      : lists_(lists), vectors_(vectors), live_(live), alpha_(alpha), degree_(degree), room_(lists.room_nodes()) {}

  std::vector<std::uint32_t> repaired(std::uint32_t node) {
    candidates_.clear();
    if (!is_live(live_, node)) return {};
    const auto own = lists_.neighbors(node, room_.data());
    const std::vector<std::uint32_t> list(own.begin(), own.end());
    bool changed = false;
    for (const std::uint32_t neighbor : list) {
      if (is_live(live_, neighbor)) {
        candidates_.push_back(neighbor);
        continue;
      }
      changed = true;
      for (const std::uint32_t next : lists_.neighbors(neighbor, room_.data())) {
        if (next != node && is_live(live_, next)) candidates_.push_back(next);
      }
    }
    if (!changed) return list;
    std::ranges::sort(candidates_);
    candidates_.erase(std::unique(candidates_.begin(), candidates_.end()), candidates_.end());
    distances_.resize(candidates_.size());
    vectors_.prepare_node(node, query_);
    vectors_.distances(query_, candidates_, distances_.data());
    found_.clear();
    for (std::size_t i = 0; i < candidates_.size(); ++i) found_.push_back({distances_[i], candidates_[i]});
    std::ranges::sort(found_, nearer);
    std::vector<std::uint32_t> kept;
    for (const Found& one : pruner_.prune(vectors_, alpha_, found_, degree_)) kept.push_back(one.node);
    // Edges that others turned around into this list were never pruned: of the live ones those stay for which there was
    // room before, or lists would get shorter with every repair.
    for (std::size_t i = 0; i < found_.size() && kept.size() < list.size(); ++i) {
      const std::uint32_t neighbor = found_[i].node;
      if (std::ranges::find(list, neighbor) == list.end() || std::ranges::find(kept, neighbor) != kept.end()) continue;
      kept.push_back(neighbor);
    }
    return kept;
  }

 private:
  const Adjacency& lists_;
  const Vectors& vectors_;
  std::span<const std::uint64_t> live_;
  float alpha_;
  std::size_t degree_;
  std::vector<std::uint32_t> room_, candidates_;
  std::vector<float> distances_;
  std::vector<Found> found_;
  Pruner pruner_;
  Query query_;
};

std::shared_ptr<FlatAdjacency> repair_lists(const Adjacency& lists, const Vectors& vectors,
                                            std::span<const std::uint64_t> live, float alpha, const Run& run) {
  const std::size_t degree = lists.max_degree();
  auto repaired = std::make_shared<FlatAdjacency>(lists.count(), degree);
  base::parallel_for(run.threads, (lists.count() + grain - 1) / grain, [&](std::size_t task) {
    Repairer repairer(lists, vectors, live, alpha, degree);
    for (std::size_t i = task * grain; i < std::min(lists.count(), (task + 1) * grain); ++i) {
      base::check(run.stop);
      const auto node = static_cast<std::uint32_t>(i);
      repaired->set(node, repairer.repaired(node));
    }
  });
  return repaired;
}

/// The live node of a list of nodes that is nearest to `node`.
std::optional<std::uint32_t> nearest_live(const Vectors& vectors, std::uint32_t node,
                                          std::span<const std::uint64_t> live, std::span<const std::uint32_t> among) {
  Query query;
  vectors.prepare_node(node, query);
  Found best{std::numeric_limits<float>::infinity(), no_node};
  for (const std::uint32_t other : among) {
    if (!is_live(live, other)) continue;
    Found found{0, other};
    vectors.distances(query, {&other, 1}, &found.distance);
    if (best.node == no_node || nearer(found, best)) best = found;
  }
  if (best.node == no_node) return std::nullopt;
  return best.node;
}

std::vector<std::uint32_t> all_nodes(std::size_t count) {
  std::vector<std::uint32_t> nodes(count);
  for (std::size_t i = 0; i < count; ++i) nodes[i] = static_cast<std::uint32_t>(i);
  return nodes;
}

/// The layer without its dead members: repaired under the old slots, then numbered anew.
Layer repair_layer(const Layer& layer, const Vectors& vectors, std::span<const std::uint64_t> live, const Run& run) {
  const SubsetVectors members(vectors, layer.members);
  std::vector<std::uint64_t> live_slots((layer.members.size() + 63) / 64);
  std::vector<std::uint32_t> numbers(layer.members.size(), no_node);
  Layer repaired;
  for (std::uint32_t slot = 0; slot < layer.members.size(); ++slot) {
    if (!is_live(live, layer.members[slot])) continue;
    live_slots[slot / 64] |= std::uint64_t{1} << (slot % 64);
    numbers[slot] = static_cast<std::uint32_t>(repaired.members.size());
    repaired.members.push_back(layer.members[slot]);
  }
  const auto lists = repair_lists(*layer.lists, members, live_slots, 1.0f, run);
  auto fewer = std::make_shared<FlatAdjacency>(repaired.members.size(), layer.lists->max_degree());
  std::vector<std::uint32_t> list;
  for (std::uint32_t slot = 0; slot < numbers.size(); ++slot) {
    if (numbers[slot] == no_node) continue;
    list.clear();
    for (const std::uint32_t neighbor : lists->list(slot)) list.push_back(numbers[neighbor]);
    fewer->set(numbers[slot], list);
  }
  repaired.lists = std::move(fewer);
  return repaired;
}

[[noreturn]] void refuse_numbers(const std::string& expected, const std::string& received) {
  throw base::Error("INVALID_ARGUMENT", "Expected " + expected + " for numbers, but received " + received + ".");
}

/// How many nodes stay.
std::size_t check_numbers(const Graph& graph, std::span<const std::uint32_t> numbers) {
  if (numbers.size() != graph.lists->count()) {
    refuse_numbers("one for each of the graph's " + std::to_string(graph.lists->count()) + " nodes",
                   std::to_string(numbers.size()));
  }
  std::uint32_t next = 0;
  for (const std::uint32_t number : numbers) {
    if (number == no_node) continue;
    if (number != next) refuse_numbers("numbers that count up without a gap", std::to_string(number));
    ++next;
  }
  return next;
}

}  // namespace

Graph repair(const Graph& graph, const Vectors& vectors, std::span<const std::uint64_t> live, const Run& run) {
  const float alpha = alpha_of(graph.recipe, vectors.metric());
  Graph repaired;
  repaired.recipe = graph.recipe;
  repaired.lists = repair_lists(*graph.lists, vectors, live, alpha, run);
  for (const Layer& layer : graph.layers) {
    Layer next = repair_layer(layer, vectors, live, run);
    if (next.members.empty()) break;
    repaired.layers.push_back(std::move(next));
  }
  repaired.entry = graph.entry;
  if (repaired.layers.size() < graph.layers.size() || !is_live(live, graph.entry)) {
    const auto nodes = repaired.layers.empty() ? all_nodes(graph.lists->count()) : repaired.layers.back().members;
    const auto entry = nearest_live(vectors, graph.entry, live, nodes);
    if (!entry) throw base::Error("INVALID_ARGUMENT", "Expected a graph with a live node, but received none.");
    repaired.entry = *entry;
  }
  return repaired;
}

Graph renumber(const Graph& graph, std::span<const std::uint32_t> numbers) {
  const std::size_t count = check_numbers(graph, numbers);
  const auto number_of = [&](std::uint32_t node) {
    if (numbers[node] == no_node)
      refuse_numbers("no edge to a node that is gone", "one to node " + std::to_string(node));
    return numbers[node];
  };
  Graph renumbered;
  renumbered.recipe = graph.recipe;
  auto lists = std::make_shared<FlatAdjacency>(count, graph.lists->max_degree());
  std::vector<std::uint32_t> room(graph.lists->room_nodes());
  std::vector<std::uint32_t> list;
  for (std::uint32_t node = 0; node < graph.lists->count(); ++node) {
    if (numbers[node] == no_node) continue;
    list.clear();
    for (const std::uint32_t neighbor : graph.lists->neighbors(node, room.data())) list.push_back(number_of(neighbor));
    lists->set(numbers[node], list);
  }
  renumbered.lists = std::move(lists);
  renumbered.entry = number_of(graph.entry);
  for (const Layer& layer : graph.layers) {
    Layer next{{}, layer.lists};
    for (const std::uint32_t member : layer.members) next.members.push_back(number_of(member));
    renumbered.layers.push_back(std::move(next));
  }
  return renumbered;
}

}  // namespace embedless::graph
