#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "graph/pages.h"

namespace embedless::graph {

/// Says that a list ends before its last place.
inline constexpr std::uint32_t no_node = 0xffffffffu;

/// Nodes of a graph at most: the walk keeps a bit beside each.
inline constexpr std::size_t most_nodes = std::size_t{1} << 31;

/// The lists of neighbors of a graph.
class Adjacency {
 public:
  Adjacency() = default;
  Adjacency(const Adjacency&) = delete;
  Adjacency& operator=(const Adjacency&) = delete;
  virtual ~Adjacency() = default;

  virtual std::size_t count() const = 0;
  /// No list is longer.
  virtual std::size_t max_degree() const = 0;
  /// The neighbors of a node. May write them to `room`, which holds `room_nodes()` numbers.
  virtual std::span<const std::uint32_t> neighbors(std::uint32_t node, std::uint32_t* room) const = 0;
  virtual std::size_t room_nodes() const { return max_degree(); }
  /// Asks for the memory of a list that is wanted soon.
  virtual void fetch(std::uint32_t node) const = 0;
  virtual std::size_t memory_bytes() const = 0;
};

/// Every list in a place of the same size: the fastest form.
class FlatAdjacency final : public Adjacency {
 public:
  FlatAdjacency(std::size_t count, std::size_t degree) : count_(count), degree_(degree), nodes_(count * degree) {
    std::fill(nodes_.begin(), nodes_.end(), no_node);
  }

  std::size_t count() const override { return count_; }
  std::size_t max_degree() const override { return degree_; }
  std::span<const std::uint32_t> neighbors(std::uint32_t node, std::uint32_t*) const override { return list(node); }
  void fetch(std::uint32_t node) const override {
    const auto* from = reinterpret_cast<const char*>(nodes_.data() + node * degree_);
    for (std::size_t at = 0; at < degree_ * sizeof(std::uint32_t); at += 64) fetch_line(from + at);
  }
  std::size_t memory_bytes() const override { return nodes_.size() * sizeof(std::uint32_t); }

  std::span<const std::uint32_t> list(std::uint32_t node) const {
    const std::uint32_t* from = nodes_.data() + node * degree_;
    std::size_t length = degree_;
    while (length > 0 && from[length - 1] == no_node) --length;
    return {from, length};
  }
  /// Replaces a list by at most `max_degree()` nodes.
  void set(std::uint32_t node, std::span<const std::uint32_t> list) {
    std::uint32_t* to = nodes_.data() + node * degree_;
    std::copy(list.begin(), list.end(), to);
    std::fill(to + list.size(), to + degree_, no_node);
  }

 private:
  std::size_t count_;
  std::size_t degree_;
  PagedArray<std::uint32_t> nodes_;
};

}  // namespace embedless::graph
