// Expected recall: properties, and drawing the true scores many times.

#include "index/expected_recall.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <random>
#include <vector>

namespace {

using embedless::index::chances;
using embedless::index::Entry;
using embedless::index::expected_recall;
using embedless::index::ranks_before;

struct Case {
  std::vector<Entry> entries;
  std::size_t k = 0;

  /// The best k by what is known.
  std::vector<std::size_t> answer() const {
    std::vector<std::size_t> places(entries.size());
    std::iota(places.begin(), places.end(), 0);
    std::erase_if(places, [&](std::size_t i) { return entries[i].state == Entry::State::gone; });
    std::ranges::sort(places, [&](std::size_t a, std::size_t b) { return ranks_before(entries[a], entries[b]); });
    places.resize(std::min(places.size(), k));
    return places;
  }
  double expected() const { return expected_recall(chances(entries, k), answer()); }
};

/// Candidates of which about `exact_share` are exact, with sigmas around `sigma`.
Case random_case(std::size_t n, std::size_t k, double exact_share, double sigma, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform(0.5, 1.5);
  Case made{.entries = {}, .k = k};
  for (std::uint32_t node = 0; node < n; ++node) {
    const double own = sigma * uniform(random);
    const auto estimate = static_cast<float>(normal(random));
    Entry entry{.node = node, .estimate = estimate, .code_sigma = static_cast<float>(own), .sigma = own};
    if (std::bernoulli_distribution(exact_share)(random)) {
      entry.state = Entry::State::exact;
      entry.score = double{estimate} + own * normal(random);
    }
    made.entries.push_back(entry);
  }
  std::ranges::sort(made.entries, [](const Entry& a, const Entry& b) { return a.estimate > b.estimate; });
  return made;
}

/// A search of a whole population: what it expects of its recall, and what that is.
struct Searched {
  double expected;
  double reached;
};

/// Estimates of 3,000 normal scores err by about `sigma`; the 200 highest are candidates, the first `looks` of them
/// exact.
Searched search_population(std::size_t k, std::size_t looks, double sigma, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform(0.7, 1.3);
  Case given{.entries = {}, .k = k};
  std::vector<double> scores(3000);
  for (std::uint32_t node = 0; node < scores.size(); ++node) {
    scores[node] = normal(random);
    const double own = sigma * uniform(random);
    const auto estimate = static_cast<float>(scores[node] + own * normal(random));
    given.entries.push_back({.node = node, .estimate = estimate, .code_sigma = static_cast<float>(own), .sigma = own});
  }
  std::ranges::sort(given.entries, [](const Entry& a, const Entry& b) { return a.estimate > b.estimate; });
  given.entries.resize(200);
  for (std::size_t i = 0; i < looks; ++i) {
    given.entries[i].state = Entry::State::exact;
    given.entries[i].score = scores[given.entries[i].node];
  }
  std::vector<double> sorted = scores;
  std::ranges::sort(sorted, std::greater<>());
  std::size_t hits = 0;
  for (const std::size_t place : given.answer()) hits += scores[given.entries[place].node] >= sorted[k - 1] ? 1 : 0;
  return {given.expected(), static_cast<double>(hits) / static_cast<double>(k)};
}

TEST(ExpectedRecall, OfNothingIsOne) {
  EXPECT_EQ(expected_recall(chances({}, 10), {}), 1);
  Case gone = random_case(5, 3, 0, 1, 1);
  for (Entry& entry : gone.entries) entry.state = Entry::State::gone;
  EXPECT_EQ(gone.expected(), 1);
}

TEST(ExpectedRecall, IsOneIfAllIsExactTiesIncluded) {
  for (const std::size_t k : {1, 3, 20, 100}) {
    Case given = random_case(60, k, 1, 0.3, static_cast<unsigned>(k));
    EXPECT_NEAR(given.expected(), 1, 1e-12);
    for (Entry& entry : given.entries) entry.score = std::round(2 * entry.score);
    EXPECT_NEAR(given.expected(), 1, 1e-12);
  }
}

TEST(ExpectedRecall, IsOneIfTheAnswerHoldsAllThereIs) {
  for (const double exact_share : {0.0, 0.5}) EXPECT_NEAR(random_case(30, 30, exact_share, 0.5, 3).expected(), 1, 1e-9);
}

TEST(ExpectedRecall, IsZeroForAnAnswerThatIsWrongThroughout) {
  const Case given = random_case(50, 5, 1, 0.3, 4);
  EXPECT_NEAR(expected_recall(chances(given.entries, 5), {}), 0, 1e-12);
}

TEST(ExpectedRecall, LiesWithinItsRangeAndFallsAsSigmasGrow) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    for (const double exact_share : {0.0, 0.1}) {
      Case given = random_case(40 + seed % 7, 1 + seed % 12, exact_share, 0.01, seed);
      // What is exact stays as it is found; the answer too.
      const auto answer = given.answer();
      double before = 1 + 1e-9;
      for (int step = 0; step < 8; ++step) {
        const double expected = expected_recall(chances(given.entries, given.k), answer);
        EXPECT_GE(expected, 0);
        EXPECT_LE(expected, before + 1e-4) << "seed " << seed << " step " << step;
        before = expected;
        for (Entry& entry : given.entries) entry.sigma *= 1.6;
      }
    }
  }
}

TEST(ExpectedRecall, IsInTheMeanWhatSearchesReach) {
  for (const std::size_t k : {3, 10}) {
    for (const std::size_t looks : {0, 10, 30}) {
      for (const double sigma : {0.02, 0.1, 0.3}) {
        double expected = 0;
        double reached = 0;
        for (unsigned seed = 0; seed < 150; ++seed) {
          const Searched searched = search_population(k, looks, sigma, seed);
          expected += searched.expected / 150;
          reached += searched.reached / 150;
        }
        EXPECT_NEAR(expected, reached, 0.05) << "k " << k << " looks " << looks << " sigma " << sigma;
      }
    }
  }
}

TEST(ExpectedRecall, AnEstimateWithoutErrorCountsAsKnown) {
  Case given = random_case(40, 7, 0, 0.3, 8);
  Case known = given;
  for (std::size_t i = 0; i < 40; i += 2) {
    given.entries[i].code_sigma = 0;
    given.entries[i].sigma = 0;
    known.entries[i].state = Entry::State::exact;
    known.entries[i].score = double{known.entries[i].estimate};
    known.entries[i].sigma = 0;
  }
  EXPECT_EQ(given.expected(), known.expected());
}

TEST(ExpectedRecall, TakesAnyScale) {
  const Case given = random_case(200, 10, 0.1, 0.2, 9);
  for (const double scale : {1e-20, 1e-3, 1e6}) {
    Case scaled = given;
    for (Entry& entry : scaled.entries) {
      entry.estimate = static_cast<float>(double{entry.estimate} * scale);
      entry.score *= scale;
      entry.code_sigma = static_cast<float>(entry.code_sigma * scale);
      entry.sigma *= scale;
    }
    EXPECT_NEAR(scaled.expected(), given.expected(), 1e-4);
  }
}

TEST(ExpectedRecall, PassesOverWhatIsNotFinite) {
  Case given = random_case(40, 7, 0, 0.3, 10);
  const double before = given.expected();
  for (const float odd : {-std::numeric_limits<float>::infinity(), std::numeric_limits<float>::infinity()}) {
    given.entries.push_back({.node = 900, .estimate = odd, .code_sigma = 0.1f, .sigma = 0.1});
    const auto answer = Case{{given.entries.begin(), given.entries.begin() + 40}, 7}.answer();
    EXPECT_NEAR(expected_recall(chances(given.entries, 7), answer), before, 0.02);  // it still takes a rank
  }
}

TEST(Chances, SumUpToKAndLieBetweenNoneAndOne) {
  for (unsigned seed = 0; seed < 40; ++seed) {
    const std::size_t k = 1 + seed % 15;
    const Case given = random_case(10 + 7 * (seed % 9), k, 0.2, 0.3, seed);
    const auto found = chances(given.entries, k);
    double all = 0;
    for (const double chance : found) {
      EXPECT_GE(chance, 0);
      EXPECT_LE(chance, 1);
      all += chance;
    }
    EXPECT_NEAR(all, static_cast<double>(std::min(k, given.entries.size())), 1e-3);
  }
}

TEST(Chances, OfWhatIsGoneAreNone) {
  Case given = random_case(30, 5, 0.2, 0.3, 12);
  for (std::size_t i = 0; i < 30; i += 3) given.entries[i].state = Entry::State::gone;
  const auto found = chances(given.entries, 5);
  for (std::size_t i = 0; i < 30; i += 3) EXPECT_EQ(found[i], 0);
}

/// Appends candidates whose estimates fall by `step` each.
void append_falling(Case& given, std::size_t count, double from, double step, float sigma) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto node = static_cast<std::uint32_t>(given.entries.size());
    const auto estimate = static_cast<float>(from - step * static_cast<double>(i));
    given.entries.push_back({.node = node, .estimate = estimate, .code_sigma = sigma, .sigma = sigma});
  }
}

TEST(Chances, OfNearDuplicatesAboveTheRestAreTheHighest) {
  for (const double step : {0.0, 1e-7, 1e-5, 1e-4, 1e-3}) {
    Case given{.entries = {}, .k = 10};
    append_falling(given, 24, 0.9, step, 0.05f);
    append_falling(given, 1000, 0.4, 1e-4, 0.05f);
    const auto found = chances(given.entries, given.k);
    EXPECT_GT(std::accumulate(found.begin(), found.begin() + 24, 0.0), 9.9) << "step " << step;
    EXPECT_TRUE(std::ranges::is_sorted(found.begin(), found.begin() + 24, std::greater<>())) << "step " << step;
  }
}

TEST(Chances, FallWithEstimatesOfEqualErrorsHoweverMuchTheseAreScaled) {
  for (const double scale : {0.5, 1.0, 2.0, 4.0, 20.0, 1000.0}) {
    Case given = random_case(400, 10, 0, 0.2, 13);
    for (Entry& entry : given.entries) {
      entry.code_sigma = 0.2f;
      entry.sigma = 0.2 * scale;
    }
    const auto found = chances(given.entries, given.k);
    for (std::size_t i = 1; i < found.size(); ++i) EXPECT_LE(found[i], found[i - 1] + 1e-9) << scale << " place " << i;
  }
}

}  // namespace
