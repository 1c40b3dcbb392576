#include "graph/link.h"

#include <algorithm>
#include <array>
#include <memory>
#include <mutex>

#include "base/parallel.h"

namespace embedless::graph {
namespace {

/// Nodes of a batch do not see each other, so a batch stays a small part of the graph.
constexpr std::size_t batch_share = 50;
constexpr std::size_t most_batch = 4096;
/// Nodes or targets of one task.
constexpr std::size_t search_grain = 4;
constexpr std::size_t target_grain = 16;
/// Parts of a sort: few edges each, so that a build stops soon even there.
constexpr std::size_t sort_ranges = 64;

}  // namespace

Linker::Linker(const Vectors& vectors, const LinkOptions& options)
    : vectors_(vectors),
      options_(options),
      room_(options.degree + options.degree / 3 + 1),
      places_(vectors.count() * room_),
      lengths_(vectors.count(), 0),
      view_(*this) {
  for (unsigned i = 0; i < std::max(options.run.threads, 1u); ++i) workers_.push_back(std::make_unique<Worker>());
}

/// Calls work(i, worker) for all i < count, `grain` of them to a task; each task borrows a worker of its own.
template <class Work>
void Linker::parallel(std::size_t count, std::size_t grain, Work work) {
  std::mutex mutex;
  std::vector<Worker*> idle;
  for (const auto& worker : workers_) idle.push_back(worker.get());
  base::parallel_for(static_cast<unsigned>(workers_.size()), (count + grain - 1) / grain, [&](std::size_t task) {
    Worker* worker;
    {
      const std::lock_guard lock(mutex);
      worker = idle.back();
      idle.pop_back();
    }
    for (std::size_t i = task * grain; i < std::min(count, (task + 1) * grain); ++i) {
      base::check(options_.run.stop);
      work(i, *worker);
    }
    const std::lock_guard lock(mutex);
    idle.push_back(worker);
  });
}

void Linker::set(std::uint32_t node, std::span<const Found> found) {
  std::copy(found.begin(), found.end(), &places_[node * room_]);
  lengths_[node] = static_cast<std::uint32_t>(found.size());
}

void Linker::load(const Adjacency& graph) {
  parallel(graph.count(), target_grain, [&](std::size_t i, Worker& worker) {
    const auto node = static_cast<std::uint32_t>(i);
    worker.nodes.resize(graph.room_nodes());
    const auto neighbors = graph.neighbors(node, worker.nodes.data());
    worker.distances.resize(neighbors.size());
    vectors_.prepare_node(node, worker.query);
    vectors_.distances(worker.query, neighbors, worker.distances.data());
    const std::size_t length = std::min(neighbors.size(), room_);
    for (std::size_t j = 0; j < length; ++j) places_[i * room_ + j] = {worker.distances[j], neighbors[j]};
    lengths_[i] = static_cast<std::uint32_t>(length);
  });
  linked_ = graph.count();
}

/// The neighbors of one node, from a walk over the frozen graph.
void Linker::choose(std::uint32_t node, const Entry& entry, Worker& worker, std::vector<Found>& chosen) {
  vectors_.prepare_node(node, worker.query);
  const std::uint32_t from = entry(node, worker.walker, worker.query);
  const auto found = worker.walker.search(view_, vectors_, worker.query, {&from, 1},
                                          {.window = options_.window, .stop = options_.run.stop});
  auto& candidates = worker.candidates;
  candidates.assign(found.begin(), found.end());
  if (options_.full_history) {
    const auto expanded = worker.walker.expanded();
    candidates.insert(candidates.end(), expanded.begin(), expanded.end());
  }
  const auto own = list(node);
  candidates.insert(candidates.end(), own.begin(), own.end());
  std::erase_if(candidates, [node](const Found& candidate) { return candidate.node == node; });
  std::sort(candidates.begin(), candidates.end(), nearer);
  const auto same = [](const Found& a, const Found& b) { return a.node == b.node; };
  candidates.erase(std::unique(candidates.begin(), candidates.end(), same), candidates.end());
  if (candidates.size() > options_.max_candidates) candidates.resize(options_.max_candidates);
  const auto best = worker.pruner.prune(vectors_, options_.alpha, candidates, options_.new_degree);
  chosen.assign(best.begin(), best.end());
}

/// Adds the sources of edges, ascending, to the list of their target.
void Linker::add_sources(std::uint32_t target, std::span<const Edge> edges, Worker& worker) {
  auto& candidates = worker.candidates;
  const auto own = list(target);
  candidates.assign(own.begin(), own.end());
  for (const Edge& edge : edges) {
    const auto known = [&](const Found& neighbor) { return neighbor.node == edge.source.node; };
    if (std::none_of(own.begin(), own.end(), known)) candidates.push_back(edge.source);
  }
  if (candidates.size() <= room_) {
    set(target, candidates);
    return;
  }
  std::sort(candidates.begin(), candidates.end(), nearer);
  set(target, worker.pruner.prune(vectors_, options_.alpha, candidates, options_.prune_to));
}

/// The edges that lead into the chosen ones, by target. Put into ranges of targets first, so that threads share the
/// sort.
std::vector<Linker::Edge> Linker::reversed(std::span<const std::uint32_t> batch,
                                           std::span<const std::vector<Found>> chosen) {
  const auto range_of = [this](std::uint32_t target) { return target * sort_ranges / lengths_.size(); };
  std::array<std::size_t, sort_ranges + 1> starts{};
  for (const auto& list : chosen) {
    for (const Found& neighbor : list) ++starts[range_of(neighbor.node) + 1];
  }
  for (std::size_t range = 0; range < sort_ranges; ++range) starts[range + 1] += starts[range];
  std::vector<Edge> edges(starts[sort_ranges]);
  auto next = starts;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    for (const Found& neighbor : chosen[i]) {
      edges[next[range_of(neighbor.node)]++] = {neighbor.node, {neighbor.distance, batch[i]}};
    }
  }
  parallel(sort_ranges, 1, [&](std::size_t range, Worker&) {
    std::sort(edges.data() + starts[range], edges.data() + starts[range + 1], [](const Edge& a, const Edge& b) {
      return a.target != b.target ? a.target < b.target : nearer(a.source, b.source);
    });
  });
  return edges;
}

void Linker::turn_around(std::span<const std::uint32_t> batch, std::span<const std::vector<Found>> chosen) {
  const std::vector<Edge> edges = reversed(batch, chosen);
  std::vector<std::size_t> starts;
  for (std::size_t i = 0; i < edges.size(); ++i) {
    if (i == 0 || edges[i].target != edges[i - 1].target) starts.push_back(i);
  }
  starts.push_back(edges.size());
  parallel(starts.size() - 1, target_grain, [&](std::size_t i, Worker& worker) {
    const std::span group(&edges[starts[i]], starts[i + 1] - starts[i]);
    add_sources(group.front().target, group, worker);
  });
}

void Linker::link_batch(std::span<const std::uint32_t> batch, const Entry& entry) {
  std::vector<std::vector<Found>> chosen(batch.size());
  parallel(batch.size(), search_grain,
           [&](std::size_t i, Worker& worker) { choose(batch[i], entry, worker, chosen[i]); });
  for (std::size_t i = 0; i < batch.size(); ++i) set(batch[i], chosen[i]);
  turn_around(batch, chosen);
  linked_ += batch.size();
  if (options_.run.progress != nullptr) options_.run.progress->done.fetch_add(batch.size(), std::memory_order_relaxed);
}

void Linker::link(std::span<const std::uint32_t> nodes, const Entry& entry) {
  for (std::size_t first = 0; first < nodes.size();) {
    const std::size_t share = std::min(most_batch, std::max<std::size_t>(vectors_.count() / batch_share, 1));
    const std::size_t size = std::min({std::max<std::size_t>(linked_, 1), share, nodes.size() - first});
    link_batch(nodes.subspan(first, size), entry);
    first += size;
  }
}

std::shared_ptr<FlatAdjacency> Linker::finish() {
  auto graph = std::make_shared<FlatAdjacency>(lengths_.size(), options_.degree);
  parallel(lengths_.size(), target_grain, [&](std::size_t i, Worker& worker) {
    const auto node = static_cast<std::uint32_t>(i);
    const auto own = list(node);
    if (own.size() > options_.degree) {
      worker.candidates.assign(own.begin(), own.end());
      std::sort(worker.candidates.begin(), worker.candidates.end(), nearer);
      set(node, worker.pruner.prune(vectors_, options_.alpha, worker.candidates, options_.degree));
    }
    worker.nodes.clear();
    for (const Found& neighbor : list(node)) worker.nodes.push_back(neighbor.node);
    graph->set(node, worker.nodes);
  });
  return graph;
}

}  // namespace embedless::graph
