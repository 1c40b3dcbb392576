#include "graph/recompute_walk.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "base/error.h"

namespace embedless::graph {
namespace {

template <class T>
bool before(const T& a, const T& b) {
  return a.distance != b.distance ? a.distance < b.distance : a.node < b.node;
}

/// Orders a heap so that its nearest node is on top.
bool farther(const Exact& a, const Exact& b) { return before(b, a); }

[[noreturn]] void refuse(const std::string& expected, const std::string& received) {
  throw base::Error("INVALID_ARGUMENT", "Expected " + expected + ", but received " + received + ".");
}

}  // namespace

RecomputeWalk::RecomputeWalk(std::shared_ptr<const Graph> graph, const RecomputeOptions& options, Estimate estimate)
    : graph_(std::move(graph)),
      options_(options),
      allowed_(options.allowed.begin(), options.allowed.end()),
      estimate_(std::move(estimate)),
      layer_(graph_->layers.size()),
      place_(graph_->entry),
      met_(graph_->lists->count()),
      asked_(graph_->lists->count()),
      room_(graph_->lists->room_nodes()) {
  if (!(options.ratio > 0 && options.ratio <= 1)) refuse("a ratio above 0 and up to 1", std::to_string(options.ratio));
  if (options.window == 0 || options.batch == 0) refuse("a window and a batch of at least 1", "0");
  if (estimate_) descend_on_estimates();
  if (layer_ == 0) met_[place_] = true;
  want(place_);
}

void RecomputeWalk::feed(std::span<const std::uint32_t> nodes, std::span<const double> distances,
                         std::span<const std::uint32_t> missing) {
  std::vector<std::uint32_t> given(nodes.begin(), nodes.end());
  given.insert(given.end(), missing.begin(), missing.end());
  std::vector<std::uint32_t> expected = wanted_;
  std::ranges::sort(given);
  std::ranges::sort(expected);
  if (given != expected) refuse("all wanted nodes, each once", std::to_string(given.size()) + " nodes");
  if (nodes.size() != distances.size()) {
    refuse("a distance for each node", std::to_string(distances.size()) + " of " + std::to_string(nodes.size()));
  }
  if (std::ranges::any_of(distances, [](double distance) { return std::isnan(distance); })) {
    refuse("distances", "NaN");
  }
  // By node, so that the order of arrival decides nothing.
  std::vector<Exact> told;
  for (std::size_t i = 0; i < nodes.size(); ++i) told.push_back({distances[i], nodes[i]});
  std::ranges::sort(told, {}, &Exact::node);
  for (const Exact& one : told) known_.emplace(one.node, one.distance);
  wanted_.clear();
  if (layer_ == 0) {
    for (const Exact& one : told) learn(one.node, one.distance);
    for (const std::uint32_t node : missing) pass(node);
  }
  advance();
}

/// Goes on until something is wanted or nothing is left.
void RecomputeWalk::advance() {
  if (layer_ > 0) {
    descend_exactly();
    if (!wanted_.empty() || layer_ > 0) return;
    begin();
    if (!wanted_.empty()) return;
  }
  expand();
}

/// The lowest layer begins at the end of the descent.
void RecomputeWalk::begin() {
  met_[place_] = true;
  if (const auto found = known_.find(place_); found != known_.end()) {
    learn(place_, found->second);
  } else {
    pass(place_);
  }
}

/// A node that is gone is no answer, but its edges may be the only way on: they are followed last.
void RecomputeWalk::pass(std::uint32_t node) {
  frontier_.push_back({std::numeric_limits<double>::infinity(), node});
  std::push_heap(frontier_.begin(), frontier_.end(), farther);
}

std::span<const std::uint32_t> RecomputeWalk::layer_neighbors(const Layer& layer, std::uint32_t node) {
  if (room_.size() < layer.lists->room_nodes()) room_.resize(layer.lists->room_nodes());
  return layer.lists->neighbors(layer.slot(node), room_.data());
}

/// Greedy, layer by layer, on exact distances. Asks for what it does not know; nodes that are gone are passed by.
void RecomputeWalk::descend_exactly() {
  while (layer_ > 0) {
    const Layer& layer = graph_->layers[layer_ - 1];
    const auto slots = layer_neighbors(layer, place_);
    for (const std::uint32_t slot : slots) {
      if (!asked_[layer.members[slot]]) want(layer.members[slot]);
    }
    if (!wanted_.empty()) return;
    const auto own = known_.find(place_);
    Exact best{own == known_.end() ? std::numeric_limits<double>::infinity() : own->second, place_};
    for (const std::uint32_t slot : slots) {
      const auto found = known_.find(layer.members[slot]);
      if (found == known_.end()) continue;
      const Exact one{found->second, found->first};
      if (before(one, best)) best = one;
    }
    if (best.node == place_) {
      --layer_;
    } else {
      place_ = best.node;
    }
  }
}

void RecomputeWalk::descend_on_estimates() {
  for (; layer_ > 0; --layer_) {
    const Layer& layer = graph_->layers[layer_ - 1];
    Estimated best{0, place_};
    estimate_({&place_, 1}, &best.distance);
    for (bool moved = true; moved;) {
      moved = false;
      std::vector<std::uint32_t> nodes;
      for (const std::uint32_t slot : layer_neighbors(layer, best.node)) nodes.push_back(layer.members[slot]);
      std::vector<float> distances(nodes.size());
      estimate_(nodes, distances.data());
      for (std::size_t i = 0; i < nodes.size(); ++i) {
        const Estimated one{distances[i], nodes[i]};
        if (!before(one, best)) continue;
        best = one;
        moved = true;
      }
    }
    place_ = best.node;
  }
}

void RecomputeWalk::want(std::uint32_t node) {
  asked_[node] = true;
  wanted_.push_back(node);
}

bool RecomputeWalk::is_allowed(std::uint32_t node) const {
  if (allowed_.empty()) return true;
  return node / 64 < allowed_.size() && ((allowed_[node / 64] >> (node % 64)) & 1u) != 0;
}

/// Takes an exact distance into frontier and answers.
void RecomputeWalk::learn(std::uint32_t node, double distance) {
  const Exact one{distance, node};
  frontier_.push_back(one);
  std::push_heap(frontier_.begin(), frontier_.end(), farther);
  if (!is_allowed(node)) return;
  nearest_.insert(std::ranges::lower_bound(nearest_, one, before<Exact>), one);
  if (nearest_.size() > options_.window) nearest_.pop_back();
}

/// Expands nodes until a batch is full, or the nearest of the frontier lies beyond a full window.
void RecomputeWalk::expand() {
  while (!frontier_.empty() && wanted_.size() < options_.batch) {
    const Exact next = frontier_.front();
    if (nearest_.size() >= options_.window && before(nearest_.back(), next)) return;
    std::pop_heap(frontier_.begin(), frontier_.end(), farther);
    frontier_.pop_back();
    std::vector<std::uint32_t> fresh;
    for (const std::uint32_t neighbor : graph_->lists->neighbors(next.node, room_.data())) {
      if (!met_[neighbor]) fresh.push_back(neighbor);
    }
    for (const std::uint32_t node : fresh) met_[node] = true;
    meet(fresh);
  }
}

/// Decides which nodes are recomputed now that `fresh` were met.
void RecomputeWalk::meet(std::span<const std::uint32_t> fresh) {
  // Nodes that the descent already knows cost nothing.
  std::vector<std::uint32_t> unknown;
  for (const std::uint32_t node : fresh) {
    if (const auto found = known_.find(node); found != known_.end()) {
      learn(node, found->second);
    } else if (!asked_[node]) {
      unknown.push_back(node);
    }
  }
  if (!estimate_) {
    for (const std::uint32_t node : unknown) want(node);
    return;
  }
  std::vector<float> distances(unknown.size());
  estimate_(unknown, distances.data());
  std::vector<Estimated> met;
  for (std::size_t i = 0; i < unknown.size(); ++i) met.push_back({distances[i], unknown[i]});
  std::ranges::sort(met, before<Estimated>);
  const auto share = static_cast<std::size_t>(std::ceil(options_.ratio * static_cast<double>(met.size())));
  if (options_.strategy == RecomputeStrategy::local) {
    for (std::size_t i = 0; i < met.size(); ++i) {
      if (i < share) {
        want(met[i].node);
      } else {
        met_[met[i].node] = false;
      }
    }
    return;
  }
  const auto middle = static_cast<std::ptrdiff_t>(estimated_.size());
  estimated_.insert(estimated_.end(), met.begin(), met.end());
  std::inplace_merge(estimated_.begin(), estimated_.begin() + middle, estimated_.end(), before<Estimated>);
  if (options_.strategy == RecomputeStrategy::global) {
    choose_from_all();
    return;
  }
  for (std::size_t i = 0; i < share; ++i) want(estimated_[i].node);
  estimated_.erase(estimated_.begin(), estimated_.begin() + static_cast<std::ptrdiff_t>(share));
}

void RecomputeWalk::choose_from_all() {
  const auto share = static_cast<std::size_t>(std::ceil(options_.ratio * static_cast<double>(estimated_.size())));
  for (std::size_t i = 0; i < share; ++i) {
    if (!asked_[estimated_[i].node]) want(estimated_[i].node);
  }
}

}  // namespace embedless::graph
