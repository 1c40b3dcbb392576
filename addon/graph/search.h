#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/stop.h"
#include "graph/adjacency.h"
#include "graph/search_buffer.h"
#include "graph/vectors.h"

namespace embedless::graph {

struct WalkOptions {
  /// Nearest nodes whose neighbors are all looked at (ef); at least 1. Larger: more recall, more distances.
  std::size_t window = 100;
  /// Nearest nodes kept; raised to `window`.
  std::size_t capacity = 0;
  /// Bit i of word i / 64: node i may be answered. Empty: every node. The walk passes through the others and goes on
  /// until the window is full of nodes that may be answered, so it slows down as they get rarer: below some percent a
  /// scan of them is faster.
  std::span<const std::uint64_t> allowed = {};
  /// Looked at before every expansion.
  const base::StopFlag* stop = nullptr;
};

/// Beam search over any adjacency. Keeps its working memory from one walk to the next, so every thread has its own.
class Walker {
 public:
  /// The nodes nearest to the query that a greedy walk from `entries` finds, in order (distance, node), at most
  /// `capacity`. Deterministic. The result holds until the next walk. @throws Stopped.
  std::span<const Found> search(const Adjacency& graph, const Distances& vectors, const Query& query,
                                std::span<const std::uint32_t> entries, const WalkOptions& options);

  /// Follows the nearest neighbor for as long as one is nearer: the descent through an upper layer.
  std::uint32_t descend(const Adjacency& graph, const Distances& vectors, const Query& query, std::uint32_t entry);

  /// Nodes expanded by the last search, in that order.
  std::span<const Found> expanded() const { return expanded_; }
  /// Distances computed by the last search.
  std::size_t distances() const { return distances_; }

 private:
  void open(const Adjacency& graph, std::size_t nodes);
  void measure(const Distances& vectors, const Query& query, std::span<const std::uint32_t> candidates);
  void walk(const Adjacency& graph, const Distances& vectors, const Query& query, const WalkOptions& options);
  void walk_filtered(const Adjacency& graph, const Distances& vectors, const Query& query, const WalkOptions& options);
  void take_fresh();
  void offer(const WalkOptions& options, std::size_t window);
  std::span<const Found> best_seen(std::size_t capacity);

  SearchBuffer buffer_;
  VisitedSet visited_;
  std::vector<std::uint32_t> room_;   // a list of neighbors
  std::vector<std::uint32_t> fresh_;  // nodes of the step not met before, `fresh_count_` of them
  std::size_t fresh_count_ = 0;
  std::vector<float> fresh_distances_;
  bool keeps_more_ = false;
  std::vector<Found> seen_;      // all that was measured and may be answered, if more than the window is kept
  std::vector<Found> frontier_;  // filtered walks: a heap of what waits for expansion
  std::vector<Found> expanded_;
  std::vector<Found> result_;
  std::size_t distances_ = 0;
};

}  // namespace embedless::graph
