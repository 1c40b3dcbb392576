#include "index/walk_ranker.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "base/error.h"

namespace embedless::index {

namespace {

/// Nodes asked for at once of those that the graph lacks.
constexpr std::size_t others_at_once = 64;

[[noreturn]] void refuse(const std::string& expected, const std::string& received) {
  throw base::Error("INVALID_ARGUMENT", "Expected " + expected + ", but received " + received + ".");
}

bool nearer(const graph::Exact& a, const graph::Exact& b) {
  return a.distance != b.distance ? a.distance < b.distance : a.node < b.node;
}

}  // namespace

WalkRanker::WalkRanker(std::unique_ptr<graph::RecomputeWalk> walk, std::vector<std::uint32_t> others, std::size_t k,
                       std::size_t cap)
    : walk_(std::move(walk)), others_(std::move(others)), k_(k), cap_(cap) {
  plan();
}

/// Asks for the next round, as far as the cap allows.
void WalkRanker::plan() {
  told_.clear();
  of_walk_ = others_.empty();
  round_.clear();
  if (!others_.empty()) {
    const std::size_t taken = std::min(others_at_once, others_.size());
    round_.assign(others_.begin(), others_.begin() + static_cast<std::ptrdiff_t>(taken));
    others_.erase(others_.begin(), others_.begin() + static_cast<std::ptrdiff_t>(taken));
  } else if (walk_ != nullptr) {
    round_ = walk_->wants();
  }
  const std::size_t left = cap_ - std::min(cap_, recomputed_);
  if (round_.size() <= left) return;
  capped_ = true;
  round_.resize(left);
}

std::vector<std::uint32_t> WalkRanker::wants() const {
  std::vector<std::uint32_t> open;
  for (const std::uint32_t node : round_) {
    if (!told_.contains(node)) open.push_back(node);
  }
  return open;
}

void WalkRanker::check(std::span<const std::uint32_t> nodes, std::span<const double> scores,
                       std::span<const std::uint32_t> missing) const {
  if (nodes.size() != scores.size()) refuse("a score for each node", std::to_string(scores.size()));
  std::vector<std::uint32_t> given(nodes.begin(), nodes.end());
  given.insert(given.end(), missing.begin(), missing.end());
  std::vector<std::uint32_t> open = wants();
  std::ranges::sort(given);
  std::ranges::sort(open);
  for (std::size_t i = 0; i < given.size(); ++i) {
    const bool twice = i > 0 && given[i] == given[i - 1];
    if (twice || !std::ranges::binary_search(open, given[i]))
      refuse("wanted nodes, each once", std::to_string(given[i]));
  }
}

void WalkRanker::feed(std::span<const std::uint32_t> nodes, std::span<const double> scores,
                      std::span<const std::uint32_t> missing) {
  check(nodes, scores, missing);
  for (std::size_t i = 0; i < nodes.size(); ++i) told_[nodes[i]] = {.score = scores[i]};
  for (const std::uint32_t node : missing) told_[node] = {.gone = true};
  recomputed_ += nodes.size();
  if (!round_.empty() && told_.size() == round_.size()) advance();
}

void WalkRanker::advance() {
  if (of_walk_) {
    pass_on();
  } else {
    for (const auto& [node, told] : told_) {
      if (!told.gone) best_others_.push_back({-told.score, node});
    }
    std::ranges::sort(best_others_, nearer);
    if (best_others_.size() > k_) best_others_.resize(k_);
  }
  if (capped_) {
    round_.clear();
    told_.clear();
    return;
  }
  plan();
}

/// Tells the walk. What the cap cut off counts as gone: it is not asked for again.
void WalkRanker::pass_on() {
  std::vector<std::uint32_t> nodes, missing;
  std::vector<double> distances;
  for (const std::uint32_t node : walk_->wants()) {
    const auto found = told_.find(node);
    if (found == told_.end() || found->second.gone) {
      missing.push_back(node);
    } else {
      nodes.push_back(node);
      distances.push_back(-found->second.score);
    }
  }
  walk_->feed(nodes, distances, missing);
}

std::vector<Answer> WalkRanker::answers() const {
  std::vector<graph::Exact> best = best_others_;
  if (walk_ != nullptr) best.insert(best.end(), walk_->nearest().begin(), walk_->nearest().end());
  std::ranges::sort(best, nearer);
  std::vector<Answer> answers;
  for (std::size_t i = 0; i < std::min(k_, best.size()); ++i) {
    const double score = -best[i].distance;
    answers.push_back({.node = best[i].node,
                       .score = score,
                       .exact = true,
                       .estimate = static_cast<float>(score),
                       .sigma = 0,
                       .chance = std::numeric_limits<double>::quiet_NaN()});
  }
  return answers;
}

double WalkRanker::expected_recall() const { return std::numeric_limits<double>::quiet_NaN(); }

}  // namespace embedless::index
