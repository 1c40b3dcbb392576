#include "index/expected_recall.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <vector>

namespace embedless::index {

namespace {

constexpr double far = 6;  // sigmas beyond which a tail (1e-9) counts as nothing
constexpr int steps = 64;  // table entries a sigma: linear between them, off by less than 1e-5
constexpr int halvings = 64;
constexpr double precision = 1e-5;  // of the threshold, in sigmas: chances are off by less than that

/// The standard normal distribution function.
double normal_below(double z) {
  static const auto table = [] {
    // One entry beyond the end, where rounding may lead.
    std::array<double, static_cast<std::size_t>(2 * far) * steps + 2> values{};
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = 0.5 * std::erfc((far - static_cast<double>(i) / steps) / std::sqrt(2.0));
    }
    return values;
  }();
  if (z <= -far) return 0;
  if (z >= far) return 1;
  const double at = (z + far) * steps;
  const auto low = static_cast<std::size_t>(at);
  return table[low] + (at - static_cast<double>(low)) * (table[low + 1] - table[low]);
}

/// A candidate whose score is known only up to its sigma.
struct Uncertain {
  double estimate;   // the mean of what its score can be
  double per_sigma;  // 1 / sigma
  std::size_t place;

  double above(double threshold) const { return normal_below((estimate - threshold) * per_sigma); }
};

/// A candidate whose score is known.
struct Known {
  double score;
  std::uint32_t node;
  std::size_t place;
};

/// All candidates that count, known ones in order of answers.
struct Field {
  std::vector<Uncertain> uncertain;
  std::vector<Known> known;

  std::size_t size() const { return uncertain.size() + known.size(); }
};

bool counts(const Entry& entry) { return entry.state != Entry::State::gone && std::isfinite(entry.known()); }

/// Candidates that tell how fast scores become rarer at the best one.
constexpr std::size_t fewest_neighbours = 16;

/// How fast candidates become rarer towards higher scores around place `i`: the rate of an exponential tail through the
/// ranks from half as far to twice as far down. Entries lie in order of estimate.
double tail_rate(std::span<const Entry> entries, std::size_t i) {
  const std::size_t from = i / 2;
  const std::size_t to = std::min(entries.size() - 1, std::max(2 * i + 1, fewest_neighbours - 1));
  const double fall = double{entries[from].estimate} - double{entries[to].estimate};
  if (!(fall > 0) || !std::isfinite(fall)) return 0;
  return std::log(static_cast<double>(to + 1) / static_cast<double>(from + 1)) / fall;
}

/// Recomputed candidates that count as much as what the tail says.
constexpr double prior_weight = 4;

/// How far, in sigmas, estimates of this query proved too high.
struct Observed {
  double sum = 0;
  double count = 0;

  explicit Observed(std::span<const Entry> entries) {
    for (const Entry& entry : entries) {
      if (entry.state != Entry::State::exact || !(entry.sigma > 0) || !std::isfinite(entry.estimate)) continue;
      sum += std::clamp((double{entry.estimate} - entry.score) / entry.sigma, -far, far);
      ++count;
    }
  }
  double with_prior(double prior) const { return (sum + prior_weight * prior) / (count + prior_weight); }
};

/// How far the estimates of candidates lie too high by what the fall of all estimates tells, 0 for those that are
/// known.
///
/// By Bayes' rule the rate of the tail times the squared error. Of two candidates with equal errors the one with the
/// higher estimate keeps the higher center, so rates rise towards the top at most by that much: at a cluster of
/// near-duplicates, whose estimates hardly fall, the rate is boundless and would send the best candidates to the end.
/// Errors are those that the code tells: who scales them up knows less of the scores, not that they are lower.
std::vector<double> excesses(std::span<const Entry> entries) {
  std::vector<double> found(entries.size());
  double rate_below = std::numeric_limits<double>::infinity();
  double estimate_below = 0;
  for (std::size_t i = entries.size(); i-- > 0;) {
    const Entry& entry = entries[i];
    const double estimate = entry.estimate;
    const double square = double{entry.code_sigma} * entry.code_sigma;
    if (entry.state != Entry::State::open || !(square > 0) || !std::isfinite(estimate)) continue;
    double rate = tail_rate(entries, i);
    if (std::isfinite(rate_below)) rate = std::min(rate, rate_below + (estimate - estimate_below) / square);
    found[i] = rate * square;
    rate_below = rate;
    estimate_below = estimate;
  }
  return found;
}

Field field_of(std::span<const Entry> entries) {
  const Observed observed(entries);
  const std::vector<double> expected = excesses(entries);
  Field field;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const Entry& entry = entries[i];
    if (!counts(entry)) continue;
    if (entry.state == Entry::State::open && entry.sigma > 0) {
      const double excess = observed.with_prior(expected[i] / entry.sigma);
      const double mean = double{entry.estimate} - excess * entry.sigma;
      field.uncertain.push_back({mean, 1 / entry.sigma, i});
    } else {
      field.known.push_back({entry.known(), entry.node, i});
    }
  }
  std::ranges::sort(field.known, [](const Known& a, const Known& b) {
    return a.score != b.score ? a.score > b.score : a.node < b.node;
  });
  return field;
}

/// The `wanted`-th highest of the scores, uncertain ones moved by so many sigmas.
double nth_highest(const Field& field, std::size_t wanted, double sigmas) {
  std::vector<double> ends;
  ends.reserve(field.size());
  for (const Uncertain& one : field.uncertain) ends.push_back(one.estimate + sigmas / one.per_sigma);
  for (const Known& one : field.known) ends.push_back(one.score);
  const auto nth = ends.begin() + static_cast<std::ptrdiff_t>(wanted - 1);
  std::nth_element(ends.begin(), nth, ends.end(), std::greater<>());
  return *nth;
}

struct Bracket {
  double low;
  double high;
};

/// Where the threshold lies: at `low` at least `wanted` candidates are expected above it, at `high` fewer.
Bracket find_threshold(const Field& field, std::size_t wanted) {
  Bracket bracket{nth_highest(field, wanted, -far), nth_highest(field, wanted, far)};
  // Candidates surely above or below all of the bracket need not be looked at again.
  double sure = 0;
  double finest = std::numeric_limits<double>::infinity();
  std::vector<Uncertain> unsure;
  for (const Uncertain& one : field.uncertain) {
    if ((one.estimate - bracket.high) * one.per_sigma >= far)
      ++sure;
    else if ((one.estimate - bracket.low) * one.per_sigma > -far)
      unsure.push_back(one);
  }
  for (const Uncertain& one : unsure) finest = std::min(finest, 1 / one.per_sigma);
  bracket.high = std::nextafter(bracket.high, std::numeric_limits<double>::infinity());
  for (int i = 0; i < halvings && bracket.high - bracket.low > precision * finest; ++i) {
    const double middle = bracket.low + (bracket.high - bracket.low) / 2;
    if (middle <= bracket.low || middle >= bracket.high) break;
    std::erase_if(unsure, [&](const Uncertain& one) {
      const bool is_above = (one.estimate - bracket.high) * one.per_sigma >= far;
      if (is_above) ++sure;
      return is_above || (one.estimate - bracket.low) * one.per_sigma <= -far;
    });
    double expected = sure;
    for (const Uncertain& one : unsure) expected += one.above(middle);
    const auto above = [&](const Known& one) { return one.score >= middle; };
    expected += static_cast<double>(std::ranges::count_if(field.known, above));
    (expected >= static_cast<double>(wanted) ? bracket.low : bracket.high) = middle;
  }
  return bracket;
}

}  // namespace

std::vector<double> chances(std::span<const Entry> entries, std::size_t k) {
  const Field field = field_of(entries);
  const std::size_t wanted = std::min(k, field.size());
  std::vector<double> found(entries.size());
  if (wanted == 0) return found;
  const double threshold = find_threshold(field, wanted).low;
  double left = static_cast<double>(wanted);
  for (const Uncertain& one : field.uncertain) left -= found[one.place] = one.above(threshold);
  // Known scores take what is left in order: those above the threshold one each, the one at it the rest.
  for (const Known& one : field.known) left -= found[one.place] = std::clamp(left, 0.0, 1.0);
  return found;
}

double expected_recall(std::span<const double> chances, std::span<const std::size_t> answer) {
  const double all = std::accumulate(chances.begin(), chances.end(), 0.0);
  if (all == 0) return 1;
  double held = 0;
  for (const std::size_t place : answer) held += chances[place];
  return std::clamp(held / all, 0.0, 1.0);
}

}  // namespace embedless::index
