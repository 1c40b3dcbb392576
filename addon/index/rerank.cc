#include "index/rerank.h"

#include <algorithm>
#include <functional>
#include <string>
#include <unordered_map>
#include <utility>

#include "code/error.h"

namespace embedless::index {

namespace {

std::size_t first_round(const BoundOptions& options) {
  return (options.k + options.batch - 1) / options.batch * options.batch;
}

[[noreturn]] void refuse(const std::string& expected) {
  throw code::Error("INVALID_ARGUMENT", "Expected " + expected + ".");
}

}  // namespace

Rerank::Rerank(std::vector<Estimated> candidates, const BoundOptions& options) : options_(options) {
  entries_.reserve(candidates.size());
  for (const Estimated& candidate : candidates) entries_.push_back({.code = candidate});
  owed_ = first_round(options);
  options_.cap = std::max(options.cap, owed_);
  want(owed_);
}

std::vector<std::uint32_t> Rerank::wants() const {
  std::vector<std::uint32_t> nodes;
  nodes.reserve(wanted_.size());
  for (const std::size_t i : wanted_) nodes.push_back(entries_[i].code.node);
  return nodes;
}

void Rerank::feed(std::span<const std::uint32_t> nodes, std::span<const double> scores,
                  std::span<const std::uint32_t> missing) {
  std::vector<Entry> next = entries_;
  std::unordered_map<std::uint32_t, std::size_t> places;
  for (const std::size_t i : wanted_) places.emplace(entries_[i].code.node, i);
  const auto settle = [&](std::uint32_t node, State state, double score) {
    const auto place = places.find(node);
    if (place == places.end()) {
      refuse("wanted nodes, but received " + std::to_string(node));
    }
    Entry& entry = next[place->second];
    if (entry.state != State::open) {
      refuse("every wanted node once, but received " + std::to_string(node) + " twice");
    }
    entry.state = state;
    entry.score = score;
  };
  for (std::size_t i = 0; i < nodes.size(); ++i) settle(nodes[i], State::exact, scores[i]);
  for (const std::uint32_t node : missing) settle(node, State::gone, 0);
  if (nodes.size() + missing.size() != wanted_.size()) {
    refuse("all " + std::to_string(wanted_.size()) + " wanted nodes, but received " +
           std::to_string(nodes.size() + missing.size()));
  }
  entries_ = std::move(next);
  recomputed_ += nodes.size();
  owed_ -= nodes.size();
  advance();
}

/// Goes on with the round if nodes were missing, else with the next round.
void Rerank::advance() {
  want(owed_);
  if (!wanted_.empty() || recomputed_ >= options_.cap) return;
  first_round_ = false;
  bar_ = kth_score();
  owed_ = std::min(options_.batch, options_.cap - recomputed_);
  want(owed_);
}

void Rerank::want(std::size_t count) {
  wanted_.clear();
  for (std::size_t i = 0; i < entries_.size() && wanted_.size() < count; ++i) {
    const Entry& entry = entries_[i];
    if (entry.state == State::open && (first_round_ || reach(entry) > bar_)) wanted_.push_back(i);
  }
}

double Rerank::reach(const Entry& entry) const {
  return double{entry.code.estimate} + options_.eps * double{entry.code.sigma};
}

double Rerank::kth_score() const {
  if (recomputed_ < options_.k) return -std::numeric_limits<double>::infinity();
  std::vector<double> scores;
  scores.reserve(recomputed_);
  for (const Entry& entry : entries_) {
    if (entry.state == State::exact) scores.push_back(entry.score);
  }
  const auto kth = scores.begin() + static_cast<std::ptrdiff_t>(options_.k - 1);
  std::nth_element(scores.begin(), kth, scores.end(), std::greater<>());
  return *kth;
}

std::vector<Answer> Rerank::answers() const {
  const State shown = recomputed_ == 0 ? State::open : State::exact;
  std::vector<Answer> all;
  for (const Entry& entry : entries_) {
    if (entry.state != shown) continue;
    const bool exact = shown == State::exact;
    all.push_back({.node = entry.code.node,
                   .score = exact ? entry.score : double{entry.code.estimate},
                   .exact = exact,
                   .estimate = entry.code.estimate,
                   .sigma = entry.code.sigma});
  }
  std::sort(all.begin(), all.end(), [](const Answer& a, const Answer& b) {
    return a.score != b.score ? a.score > b.score : a.node < b.node;
  });
  if (all.size() > options_.k) all.resize(options_.k);
  return all;
}

std::size_t Rerank::dismissed() const {
  if (recomputed_ < options_.k) return 0;
  const double kth = kth_score();
  return static_cast<std::size_t>(std::count_if(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return entry.state == State::open && reach(entry) <= kth;
  }));
}

}  // namespace embedless::index
