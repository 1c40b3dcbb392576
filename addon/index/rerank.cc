#include "index/rerank.h"

#include <algorithm>
#include <functional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "code/error.h"
#include "index/expected_recall.h"

namespace embedless::index {

namespace {

constexpr double widest = 1e9;  // sigmas of an interval: far above use, and never infinite

std::size_t first_round(const BoundOptions& options) {
  if (options.scores == Scores::approx) return options.batch;
  return (options.k + options.batch - 1) / options.batch * options.batch;
}

[[noreturn]] void refuse(const std::string& expected) {
  throw code::Error("INVALID_ARGUMENT", "Expected " + expected + ".");
}

}  // namespace

Rerank::Rerank(std::span<const Estimated> candidates, const BoundOptions& options) : options_(options) {
  entries_.reserve(candidates.size());
  for (const Estimated& one : candidates) {
    entries_.push_back({.node = one.node,
                        .estimate = one.estimate,
                        .code_sigma = one.sigma,
                        .sigma = double{one.sigma} * options.sigma_scale});
  }
  owed_ = std::min(index::first_round(options), options.cap);
  want_owed();
}

std::vector<std::uint32_t> Rerank::wants() const {
  std::vector<std::uint32_t> nodes;
  nodes.reserve(wanted_.size());
  for (const std::size_t i : wanted_) nodes.push_back(entries_[i].node);
  return nodes;
}

void Rerank::feed(std::span<const std::uint32_t> nodes, std::span<const double> scores,
                  std::span<const std::uint32_t> missing) {
  std::unordered_map<std::uint32_t, std::size_t> places;
  for (const std::size_t i : wanted_) places.emplace(entries_[i].node, i);
  std::unordered_set<std::uint32_t> seen;
  const auto check = [&](std::uint32_t node) {
    if (!places.contains(node)) refuse("wanted nodes, but received " + std::to_string(node));
    if (!seen.insert(node).second) refuse("every wanted node once, but received " + std::to_string(node) + " twice");
  };
  std::ranges::for_each(nodes, check);
  std::ranges::for_each(missing, check);
  if (seen.empty()) return;

  for (std::size_t i = 0; i < nodes.size(); ++i) {
    Entry& entry = entries_[places.at(nodes[i])];
    entry.state = Entry::State::exact;
    entry.score = scores[i];
  }
  for (const std::uint32_t node : missing) entries_[places.at(node)].state = Entry::State::gone;
  std::erase_if(wanted_, [&](std::size_t i) { return entries_[i].state != Entry::State::open; });
  recomputed_ += nodes.size();
  owed_ -= nodes.size();
  if (wanted_.empty()) advance();
}

/// Goes on with the round if nodes were missing, else with the next round.
void Rerank::advance() {
  // Against the same bar there is more to ask for only in place of the missing. Approximate scores have no such bar.
  if (options_.scores == Scores::exact) want_owed();
  if (!wanted_.empty()) return;
  first_round_ = false;
  bar_ = kth_score();
  owed_ = std::min(options_.batch, options_.cap - recomputed_);
  want_owed();
}

void Rerank::want_owed() {
  wanted_.clear();
  for (const std::size_t i : contenders(bar_)) {
    if (wanted_.size() == owed_) break;
    wanted_.push_back(i);
    entries_[i].first_round = first_round_;
  }
}

std::vector<std::size_t> Rerank::contenders(double bar) const {
  std::vector<std::size_t> places;
  if (options_.scores == Scores::approx) {
    const auto verdicts = judged();
    for (std::size_t i = 0; i < verdicts.size(); ++i) {
      if (verdicts[i] == Verdict::ambiguous) places.push_back(i);
    }
    return places;
  }
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].state == Entry::State::open && (first_round_ || reach(entries_[i]) > bar)) places.push_back(i);
  }
  return places;
}

std::vector<Verdict> Rerank::judged() const {
  return judge(entries_, options_.k, std::clamp(options_.eps, 0.0, widest));
}

double Rerank::reach(const Entry& entry) const { return double{entry.estimate} + options_.eps * entry.sigma; }

double Rerank::kth_score() const {
  if (recomputed_ < options_.k) return -std::numeric_limits<double>::infinity();
  std::vector<double> scores;
  scores.reserve(recomputed_);
  for (const Entry& entry : entries_) {
    if (entry.state == Entry::State::exact) scores.push_back(entry.score);
  }
  const auto kth = scores.begin() + static_cast<std::ptrdiff_t>(options_.k - 1);
  std::nth_element(scores.begin(), kth, scores.end(), std::greater<>());
  return *kth;
}

std::vector<std::size_t> Rerank::answer_places() const {
  std::vector<Verdict> verdicts(entries_.size(), Verdict::ambiguous);
  if (options_.scores == Scores::approx) verdicts = judged();
  std::vector<std::size_t> best;
  std::vector<std::size_t> unsure;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const Entry::State state = entries_[i].state;
    if (state == Entry::State::gone) continue;
    (state == Entry::State::exact || verdicts[i] == Verdict::taken ? best : unsure).push_back(i);
  }
  // The highest estimates are mostly too high, so they give way to exact scores, even to lower ones.
  if (best.size() < options_.k) {
    unsure.resize(std::min(unsure.size(), options_.k - best.size()));
    best.insert(best.end(), unsure.begin(), unsure.end());
  }
  std::ranges::sort(best, [&](std::size_t a, std::size_t b) { return ranks_before(entries_[a], entries_[b]); });
  if (best.size() > options_.k) best.resize(options_.k);
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
                       .sigma = static_cast<float>(entry.sigma)});
  }
  return answers;
}

std::size_t Rerank::dismissed() const {
  if (options_.scores == Scores::approx) {
    auto verdicts = judged();
    // Where estimates tie at the bar without an error, the answer takes some of those that it also rules out.
    for (const std::size_t i : answer_places()) verdicts[i] = Verdict::settled;
    return static_cast<std::size_t>(std::ranges::count(verdicts, Verdict::dismissed));
  }
  if (recomputed_ < options_.k) return 0;
  const double kth = kth_score();
  return static_cast<std::size_t>(std::ranges::count_if(entries_, [&](const Entry& entry) {
    return entry.state == Entry::State::open && reach(entry) <= kth;
  }));
}

bool Rerank::capped() const { return done() && recomputed_ >= options_.cap && !contenders(kth_score()).empty(); }

double Rerank::expected_recall() const { return index::expected_recall(entries_, answer_places(), options_.k); }

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
