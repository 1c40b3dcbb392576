#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "graph/graph.h"
#include "graph/search.h"

namespace embedless::index {

/// A graph and the working memory of walks over it, one byte a node for each walk that runs at the same time. Safe to
/// share between threads.
class SearchGraph {
 public:
  explicit SearchGraph(graph::Graph graph) : graph_(std::make_shared<graph::Graph>(std::move(graph))) {
    std::vector<std::uint32_t> room(graph_->lists->room_nodes());
    for (std::size_t i = 0; i < count(); ++i) {
      edges_ += graph_->lists->neighbors(static_cast<std::uint32_t>(i), room.data()).size();
    }
  }

  const graph::Graph& graph() const { return *graph_; }
  const std::shared_ptr<const graph::Graph>& shared() const { return graph_; }
  std::size_t count() const { return graph_->lists->count(); }
  /// Edges of the lowest layer.
  std::size_t edges() const { return edges_; }

  /// Calls work(walker) with a walker of its own.
  template <class Work>
  void with_walker(Work work) const {
    std::unique_ptr<graph::Walker> walker = borrow();
    work(*walker);
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(walker));
  }

 private:
  std::unique_ptr<graph::Walker> borrow() const {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return std::make_unique<graph::Walker>();
    std::unique_ptr<graph::Walker> walker = std::move(idle_.back());
    idle_.pop_back();
    return walker;
  }

  std::shared_ptr<const graph::Graph> graph_;
  std::size_t edges_ = 0;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<graph::Walker>> idle_;
};

}  // namespace embedless::index
