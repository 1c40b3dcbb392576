#include "index/rerank.h"

#include <algorithm>
#include <functional>
#include <string>
#include <unordered_set>

#include "base/error.h"
#include "index/expected_recall.h"

namespace embedless::index {

namespace {

/// Of the looks that are expected to be needed before any exact score is known, the first round takes this share: an
/// easy question needs fewer.
constexpr double first_share = 0.6;
/// A later round takes at least this share of what was looked at before: many small rounds take longer than a few looks
/// more.
constexpr double least_growth = 0.125;
/// Chances below this, and recall lacking by less, are rounding.
constexpr double rounding = 1e-9;

std::size_t share_of(double share, std::size_t count) {
  return static_cast<std::size_t>(share * static_cast<double>(count) + 0.5);
}

[[noreturn]] void refuse(const std::string& expected) {
  throw base::Error("INVALID_ARGUMENT", "Expected " + expected + ".");
}

}  // namespace

Rerank::Rerank(std::span<const Estimated> candidates, const RerankOptions& options) : options_(options) {
  entries_.reserve(candidates.size());
  for (const Estimated& one : candidates) {
    entries_.push_back({.node = one.node,
                        .estimate = one.estimate,
                        .code_sigma = one.sigma,
                        .sigma = double{one.sigma} * options.sigma_scale});
  }
  begin_round();
}

std::vector<std::uint32_t> Rerank::wants() const {
  std::vector<std::uint32_t> nodes;
  nodes.reserve(wanted_.size());
  for (const std::size_t i : round_) {
    if (wanted_.contains(entries_[i].node)) nodes.push_back(entries_[i].node);
  }
  return nodes;
}

void Rerank::feed(std::span<const std::uint32_t> nodes, std::span<const double> scores,
                  std::span<const std::uint32_t> missing) {
  std::unordered_set<std::uint32_t> seen;
  const auto check = [&](std::uint32_t node) {
    if (!wanted_.contains(node)) refuse("wanted nodes, but received " + std::to_string(node));
    if (!seen.insert(node).second) refuse("every wanted node once, but received " + std::to_string(node) + " twice");
  };
  std::ranges::for_each(nodes, check);
  std::ranges::for_each(missing, check);
  if (seen.empty()) return;

  for (std::size_t i = 0; i < nodes.size(); ++i) {
    Entry& entry = entries_[wanted_.at(nodes[i])];
    entry.state = Entry::State::exact;
    entry.score = scores[i];
  }
  for (const std::uint32_t node : missing) entries_[wanted_.at(node)].state = Entry::State::gone;
  for (const std::uint32_t node : seen) wanted_.erase(node);
  recomputed_ += nodes.size();
  chances_.reset();
  if (!wanted_.empty()) return;
  first_round_ = false;
  begin_round();
}

void Rerank::raise(double recall) {
  if (!(recall > options_.recall)) return;
  options_.recall = recall;
  if (done()) begin_round();
}

void Rerank::begin_round() {
  const std::size_t room = options_.cap - recomputed_;
  if (room == 0) return;
  round_ = needed();
  round_.resize(std::min(round_.size(), room));
  std::ranges::sort(round_);
  for (const std::size_t i : round_) {
    entries_[i].first_round = first_round_;
    wanted_.emplace(entries_[i].node, i);
  }
}

const std::vector<double>& Rerank::chances() const {
  if (!chances_) chances_ = index::chances(entries_, options_.k);
  return *chances_;
}

/// By how much the exact score of a candidate raises the expected hits.
double Rerank::gain(std::size_t place) const {
  const double chance = chances()[place];
  return options_.scores == Scores::exact ? chance : std::min(chance, 1 - chance);
}

/// Open candidates that are to be looked at next, the one that tells most first.
std::vector<std::size_t> Rerank::needed() const {
  const bool exact = options_.scores == Scores::exact;
  std::vector<bool> held(entries_.size());
  if (!exact) {
    for (const std::size_t place : answer_places()) held[place] = true;
  }
  const std::size_t least = exact && recomputed_ < options_.k ? options_.k - recomputed_ : 0;
  std::vector<std::size_t> open;
  double all = 0;
  double lacking = 0;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const bool is_open = entries_[i].state == Entry::State::open;
    all += chances()[i];
    // With exact scores the answer holds nothing that has none.
    if (exact ? is_open : !held[i]) lacking += chances()[i];
    if (is_open && (gain(i) > rounding || open.size() < least)) open.push_back(i);
  }
  lacking -= (1 - options_.recall) * all;
  std::ranges::stable_sort(open, std::greater<>(), [&](std::size_t i) { return gain(i); });
  std::size_t count = 0;
  for (; count < open.size(); ++count) {
    const double next = gain(open[count]);
    if (next < options_.least_chance && !(lacking > rounding && next > rounding)) break;
    lacking -= next;
  }
  if (first_round_)
    count = share_of(first_share, count);
  else if (count > 0)
    count = std::max(count, share_of(least_growth, recomputed_));
  open.resize(std::min(open.size(), std::max(least, count)));
  return open;
}

std::vector<std::size_t> Rerank::answer_places() const {
  std::vector<std::size_t> best;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].state != Entry::State::gone) best.push_back(i);
  }
  // The highest estimates are mostly too high, so they give way to exact scores, even to lower ones.
  const auto rank = [&](std::size_t i) {
    if (options_.scores == Scores::approx) return chances()[i];
    return entries_[i].state == Entry::State::exact ? 1.0 : 0.0;
  };
  const auto by_score = [&](std::size_t a, std::size_t b) { return ranks_before(entries_[a], entries_[b]); };
  const auto by_rank = [&](std::size_t a, std::size_t b) {
    return rank(a) != rank(b) ? rank(a) > rank(b) : by_score(a, b);
  };
  const std::size_t size = std::min(options_.k, best.size());
  std::ranges::partial_sort(best, best.begin() + static_cast<std::ptrdiff_t>(size), by_rank);
  best.resize(size);
  std::ranges::sort(best, by_score);
  return best;
}

std::vector<Answer> Rerank::answers() const {
  std::vector<Answer> answers;
  for (const std::size_t i : answer_places()) {
    const Entry& entry = entries_[i];
    answers.push_back({.node = entry.node,
                       .score = entry.known(),
                       .exact = entry.state == Entry::State::exact,
                       .estimate = entry.estimate,
                       .sigma = static_cast<float>(entry.sigma),
                       .chance = chances()[i]});
  }
  return answers;
}

std::size_t Rerank::dismissed() const {
  const auto is_open = [](const Entry& entry) { return entry.state == Entry::State::open; };
  const auto open = std::ranges::count_if(entries_, is_open);
  const auto answered = std::ranges::count_if(answer_places(), [&](std::size_t i) { return is_open(entries_[i]); });
  return static_cast<std::size_t>(open - answered);
}

bool Rerank::capped() const { return done() && recomputed_ >= options_.cap && !needed().empty(); }

double Rerank::expected_recall() const { return index::expected_recall(chances(), answer_places()); }

Misses Rerank::first_round() const {
  Misses misses;
  for (const Entry& entry : entries_) {
    if (!entry.first_round || entry.state != Entry::State::exact || !(entry.code_sigma > 0)) continue;
    const double off = (entry.score - double{entry.estimate}) / double{entry.code_sigma};
    ++misses.count;
    misses.sum_squares += off * off;
  }
  return misses;
}

}  // namespace embedless::index
