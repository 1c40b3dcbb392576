#include "graph/search.h"

#include <algorithm>

namespace embedless::graph {
namespace {

bool is_allowed(std::span<const std::uint64_t> allowed, std::uint32_t node) {
  return node / 64 < allowed.size() && ((allowed[node / 64] >> (node % 64)) & 1u) != 0;
}

/// Orders a heap so that its nearest node is on top.
bool farther(const Found& a, const Found& b) { return nearer(b, a); }

}  // namespace

/// Computes the distances of those candidates that this walk has not met.
inline void Walker::measure(const Distances& vectors, const Query& query, std::span<const std::uint32_t> candidates) {
  if (fresh_.size() < candidates.size()) {
    fresh_.resize(candidates.size());
    fresh_distances_.resize(candidates.size());
  }
  std::size_t count = 0;
  for (const std::uint32_t node : candidates) {
    fresh_[count] = node;
    count += visited_.insert(node) ? 1 : 0;
  }
  fresh_count_ = count;
  distances_ += count;
  vectors.distances(query, {fresh_.data(), count}, fresh_distances_.data());
}

std::span<const Found> Walker::search(const Adjacency& graph, const Distances& vectors, const Query& query,
                                      std::span<const std::uint32_t> entries, const WalkOptions& options) {
  visited_.reset(graph.count());
  if (room_.size() < graph.room_nodes()) room_.resize(graph.room_nodes());
  const std::size_t window = std::max<std::size_t>(options.window, 1);
  buffer_.reset(window, window);
  keeps_more_ = options.capacity > window;
  seen_.clear();
  expanded_.clear();
  frontier_.clear();
  distances_ = 0;
  measure(vectors, query, entries);
  if (options.allowed.empty()) {
    walk(graph, vectors, query, options);
  } else {
    walk_filtered(graph, vectors, query, options);
  }
  if (keeps_more_) return best_seen(options.capacity);
  result_.resize(buffer_.size());
  for (std::size_t i = 0; i < result_.size(); ++i) result_[i] = buffer_[i];
  return result_;
}

/// The best of all that was measured: putting every node into a long sorted buffer would cost more than the distances.
std::span<const Found> Walker::best_seen(std::size_t capacity) {
  const auto order = [](const Found& a, const Found& b) { return nearer(a, b); };  // unlike a function it is inlined
  if (seen_.size() > capacity) {
    std::nth_element(seen_.begin(), seen_.begin() + static_cast<std::ptrdiff_t>(capacity), seen_.end(), order);
    seen_.resize(capacity);
  }
  std::sort(seen_.begin(), seen_.end(), order);
  return seen_;
}

void Walker::walk(const Adjacency& graph, const Distances& vectors, const Query& query, const WalkOptions& options) {
  take_fresh();
  while (buffer_.waiting()) {
    base::check(options.stop);
    const Found nearest = buffer_.expand();
    expanded_.push_back(nearest);
    const auto list = graph.neighbors(nearest.node, room_.data());
    // Mostly the next to be expanded, unless this step finds a nearer one.
    if (buffer_.waiting()) graph.fetch(buffer_.peek());
    measure(vectors, query, list);
    take_fresh();
  }
}

inline void Walker::take_fresh() {
  for (std::size_t i = 0; i < fresh_count_; ++i) {
    if (fresh_distances_[i] <= buffer_.bar()) buffer_.insert(fresh_distances_[i], fresh_[i]);
  }
  if (!keeps_more_) return;
  for (std::size_t i = 0; i < fresh_count_; ++i) seen_.push_back({fresh_distances_[i], fresh_[i]});
}

/// Puts what was just measured onto the frontier, and what may be answered into the buffer.
inline void Walker::offer(const WalkOptions& options, std::size_t window) {
  for (std::size_t i = 0; i < fresh_count_; ++i) {
    const Found found{fresh_distances_[i], fresh_[i]};
    const bool allowed = is_allowed(options.allowed, found.node);
    if (allowed && keeps_more_) seen_.push_back(found);
    if (buffer_.size() >= window && nearer(buffer_[window - 1], found)) continue;
    frontier_.push_back(found);
    std::push_heap(frontier_.begin(), frontier_.end(), farther);
    if (allowed) buffer_.insert(found.distance, found.node);
  }
}

/// The window holds only nodes that may be answered; the frontier holds all. It ends when the nearest of the frontier
/// is farther than the last of the full window, so a walk through nodes that may not be answered cuts nothing short.
void Walker::walk_filtered(const Adjacency& graph, const Distances& vectors, const Query& query,
                           const WalkOptions& options) {
  const std::size_t window = std::max<std::size_t>(options.window, 1);
  offer(options, window);
  while (!frontier_.empty()) {
    base::check(options.stop);
    const Found nearest = frontier_.front();
    if (buffer_.size() >= window && nearer(buffer_[window - 1], nearest)) break;
    std::pop_heap(frontier_.begin(), frontier_.end(), farther);
    frontier_.pop_back();
    expanded_.push_back(nearest);
    const auto list = graph.neighbors(nearest.node, room_.data());
    if (!frontier_.empty()) graph.fetch(frontier_.front().node);
    measure(vectors, query, list);
    offer(options, window);
  }
}

std::uint32_t Walker::descend(const Adjacency& graph, const Distances& vectors, const Query& query,
                              std::uint32_t entry) {
  if (room_.size() < graph.room_nodes()) room_.resize(graph.room_nodes());
  if (fresh_distances_.size() < graph.max_degree() + 1) {
    fresh_.resize(graph.max_degree() + 1);
    fresh_distances_.resize(graph.max_degree() + 1);
  }
  Found best{0, entry};
  vectors.distances(query, {&entry, 1}, &best.distance);
  for (bool moved = true; moved;) {
    moved = false;
    const auto list = graph.neighbors(best.node, room_.data());
    vectors.distances(query, list, fresh_distances_.data());
    for (std::size_t i = 0; i < list.size(); ++i) {
      const Found found{fresh_distances_[i], list[i]};
      if (!nearer(found, best)) continue;
      best = found;
      moved = true;
    }
  }
  return best.node;
}

}  // namespace embedless::graph
