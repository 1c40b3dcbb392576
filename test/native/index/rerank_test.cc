// The rerank against a plain reading of the method, on random candidates.

#include "index/rerank.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "index/expected_recall.h"
#include "index/rerank_problem.h"

namespace {

using embedless::index::chances;
using embedless::index::Entry;
using embedless::index::expected_recall;
using embedless::index::ranks_before;
using embedless::index::Scores;
using rerank_problem::Answer;
using rerank_problem::Estimated;
using rerank_problem::Problem;
using rerank_problem::random_problem;
using rerank_problem::Rerank;
using rerank_problem::RerankOptions;
using rerank_problem::run;

/// The method as its description reads. All candidates lie in plain lists, and each round works everything out anew.
struct Reference {
  Reference(const Problem& problem_, const RerankOptions& options_) : problem(problem_), options(options_) {
    for (const Estimated& one : problem.candidates) {
      entries.push_back({.node = one.node,
                         .estimate = one.estimate,
                         .code_sigma = one.sigma,
                         .sigma = options.sigma_scale * double{one.sigma}});
    }
  }

  const Problem& problem;
  RerankOptions options;
  std::vector<Entry> entries{};
  std::size_t exact = 0;

  /// Places in the order of answers.
  std::vector<std::size_t> answer() const {
    const auto likely = chances(entries, options.k);
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (entries[i].state != Entry::State::gone) places.push_back(i);
    }
    const auto worth = [&](std::size_t i) {
      if (options.scores == Scores::approx) return likely[i];
      return entries[i].state == Entry::State::exact ? 1.0 : 0.0;
    };
    std::ranges::sort(places, [&](std::size_t a, std::size_t b) {
      return worth(a) != worth(b) ? worth(a) > worth(b) : ranks_before(entries[a], entries[b]);
    });
    places.resize(std::min(places.size(), options.k));
    std::ranges::sort(places, [&](std::size_t a, std::size_t b) { return ranks_before(entries[a], entries[b]); });
    return places;
  }

  /// What the next round asks for.
  std::set<std::size_t> next(bool first) const {
    const auto likely = chances(entries, options.k);
    const auto held = answer();
    double all = 0;
    double lacking = 0;
    std::vector<std::pair<double, std::size_t>> open;  // by what their exact score is worth, then by place
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const bool is_open = entries[i].state == Entry::State::open;
      const bool is_exact = options.scores == Scores::exact;
      all += likely[i];
      if (is_exact ? is_open : std::ranges::find(held, i) == held.end()) lacking += likely[i];
      if (is_open) open.emplace_back(-(is_exact ? likely[i] : std::min(likely[i], 1 - likely[i])), i);
    }
    std::ranges::sort(open);
    lacking -= (1 - options.recall) * all;
    std::size_t count = 0;
    const auto is_needed = [&](double worth) {
      return worth >= options.least_chance || (lacking > 1e-9 && worth > 1e-9);
    };
    while (count < open.size() && is_needed(-open[count].first)) lacking += open[count++].first;
    const auto share = [](double part, std::size_t of) {
      return static_cast<std::size_t>(part * static_cast<double>(of) + 0.5);
    };
    if (first)
      count = share(0.6, count);
    else if (count > 0)
      count = std::max(count, share(0.125, exact));
    if (options.scores == Scores::exact && exact < options.k) count = std::max(count, options.k - exact);
    count = std::min({count, open.size(), options.cap - exact});
    std::set<std::size_t> chosen;
    for (std::size_t i = 0; i < count; ++i) {
      // What is worth nothing is asked for only to fill k up.
      if (-open[i].first <= 1e-9 && !(options.scores == Scores::exact && exact + i < options.k)) break;
      chosen.insert(open[i].second);
    }
    return chosen;
  }

  /// Nodes asked for, to the end.
  std::set<std::uint32_t> run() {
    std::set<std::uint32_t> asked;
    for (bool first = true;; first = false) {
      const auto chosen = next(first);
      if (chosen.empty()) return asked;
      for (const std::size_t i : chosen) {
        Entry& entry = entries[i];
        asked.insert(entry.node);
        const bool gone = problem.missing.contains(entry.node);
        entry.state = gone ? Entry::State::gone : Entry::State::exact;
        entry.score = problem.exact[entry.node];
        exact += gone ? 0 : 1;
      }
    }
  }
};

void expect_reference(const Problem& problem, const RerankOptions& options, unsigned seed) {
  Reference reference(problem, options);
  const auto expected = reference.run();
  Rerank rerank(problem.candidates, options);
  ASSERT_EQ(run(rerank, problem, seed, 1 + seed % 5), expected);
  EXPECT_EQ(rerank.recomputed(), reference.exact);

  const auto best = reference.answer();
  const auto answers = rerank.answers();
  const auto likely = chances(reference.entries, options.k);
  ASSERT_EQ(answers.size(), best.size());
  std::size_t open = static_cast<std::size_t>(
      std::ranges::count(reference.entries, Entry::State::open, [](const Entry& entry) { return entry.state; }));
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const Entry& entry = reference.entries[best[i]];
    ASSERT_EQ(answers[i].node, entry.node) << "rank " << i;
    ASSERT_EQ(answers[i].score, entry.known());
    ASSERT_EQ(answers[i].exact, entry.state == Entry::State::exact);
    ASSERT_EQ(answers[i].chance, likely[best[i]]);
    if (!answers[i].exact) --open;
  }
  EXPECT_EQ(rerank.dismissed(), open);
  EXPECT_EQ(rerank.expected_recall(), expected_recall(likely, best));
  EXPECT_TRUE(!rerank.capped() || rerank.recomputed() == options.cap);
}

TEST(Rerank, RecomputesWhatTheMethodSays) {
  unsigned seed = 0;
  for (const Scores scores : {Scores::exact, Scores::approx}) {
    for (const std::size_t n : {0, 1, 9, 10, 16, 17, 60, 300}) {
      for (const std::size_t k : {1, 3, 8, 10, 70}) {
        for (const double recall : {0.3, 0.8, 0.95, 0.999, 1.0}) {
          for (const std::size_t cap : {0, 1, 7, 12, 64, 1000}) {
            for (const double missing : {0.0, 0.3}) {
              SCOPED_TRACE(testing::Message() << n << " candidates, k " << k << " recall " << recall << " cap " << cap
                                              << " missing " << missing << (scores == Scores::exact ? "" : " approx"));
              ++seed;
              expect_reference(random_problem(n, missing, seed),
                               {.k = k, .recall = recall, .cap = cap, .scores = scores}, seed);
              if (testing::Test::HasFatalFailure()) return;
            }
          }
        }
      }
    }
  }
}

TEST(Rerank, EndsWhenTheAnswerIsExpectedToHoldItsRecall) {
  for (unsigned seed = 0; seed < 30; ++seed) {
    const Problem problem = random_problem(200, 0, seed);
    for (const Scores scores : {Scores::exact, Scores::approx}) {
      std::size_t before = 0;
      for (const double recall : {0.5, 0.9, 0.99}) {
        Rerank rerank(problem.candidates, {.k = 10, .recall = recall, .cap = 200, .scores = scores});
        run(rerank, problem, seed);
        EXPECT_GE(rerank.expected_recall(), recall - 1e-6);
        EXPECT_FALSE(rerank.capped());
        EXPECT_GE(rerank.recomputed() + 4, before) << "a higher recall looks at hardly less";
        before = rerank.recomputed();
      }
    }
  }
}

TEST(Rerank, RaisedItGoesOnFromWhereItWas) {
  const Problem problem = random_problem(200, 0.1, 7);
  Rerank rerank(problem.candidates, {.k = 10, .recall = 0.5, .cap = 200});
  auto asked = run(rerank, problem, 1);
  const auto recomputed = rerank.recomputed();
  rerank.raise(0.2);
  EXPECT_TRUE(rerank.done());
  rerank.raise(0.999);
  ASSERT_FALSE(rerank.done());
  for (const std::uint32_t node : run(rerank, problem, 2)) EXPECT_TRUE(asked.insert(node).second) << "asked twice";
  EXPECT_GT(rerank.recomputed(), recomputed);
  EXPECT_GE(rerank.expected_recall(), 0.999 - 1e-6);
}

TEST(Rerank, RaisedInTheMiddleOfARoundItFinishesTheRoundFirst) {
  const Problem problem = random_problem(200, 0, 8);
  Rerank rerank(problem.candidates, {.k = 10, .recall = 0.5, .cap = 200});
  const auto wants = rerank.wants();
  rerank_problem::feed_some(rerank, problem, {wants[0]});
  rerank.raise(0.99);
  EXPECT_EQ(rerank.wants(), std::vector<std::uint32_t>(wants.begin() + 1, wants.end()));
}

TEST(Rerank, TheFirstRoundTakesTheBestEstimatesAndNoMoreThanAreLikelyNeeded) {
  const Problem problem = random_problem(100, 0, 1);
  for (const double recall : {0.5, 0.99}) {
    const Rerank rerank(problem.candidates, {.k = 10, .recall = recall, .cap = 64});
    EXPECT_GE(rerank.wants().size(), 10u);
    EXPECT_LT(rerank.wants().size(), 64u);
  }
  // Codes that hardly err leave nothing to look at but the answer itself.
  Problem clear = problem;
  for (Estimated& one : clear.candidates) one.sigma = 1e-6f;
  clear.candidates.resize(10);
  const Rerank rerank(clear.candidates, {.k = 5, .recall = 0.99, .cap = 64});
  ASSERT_EQ(rerank.wants().size(), 5u);
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(rerank.wants()[i], clear.candidates[i].node);
}

TEST(Rerank, AnswersFromEstimatesBeforeAnyFeed) {
  const Problem problem = random_problem(50, 0, 2);
  const Rerank rerank(problem.candidates, {.k = 10});
  const auto answers = rerank.answers();
  ASSERT_EQ(answers.size(), 10u);
  for (std::size_t i = 0; i < 10; ++i) {
    EXPECT_EQ(answers[i].node, problem.candidates[i].node);
    EXPECT_EQ(answers[i].score, double{problem.candidates[i].estimate});
    EXPECT_FALSE(answers[i].exact);
  }
  EXPECT_EQ(rerank.recomputed(), 0u);
  EXPECT_EQ(rerank.dismissed(), 40u);
}

TEST(Rerank, IfAllAreGoneThereIsNoAnswer) {
  Problem problem = random_problem(40, 0, 3);
  for (std::uint32_t node = 0; node < 40; ++node) problem.missing.insert(node);
  for (const Scores scores : {Scores::exact, Scores::approx}) {
    Rerank rerank(problem.candidates, {.k = 10, .recall = 0.99, .scores = scores});
    run(rerank, problem, 1);
    EXPECT_LE(rerank.answers().size(), scores == Scores::exact ? 0u : 10u);
    EXPECT_EQ(rerank.recomputed(), 0u);
  }
}

TEST(Rerank, RefusesOtherNodesThanTheWantedAndStaysAsItWas) {
  const Problem problem = random_problem(40, 0, 5);
  Rerank rerank(problem.candidates, {.k = 4, .recall = 0.3});
  const auto wants = rerank.wants();
  ASSERT_EQ(wants.size(), 4u);
  const std::vector<double> scores(4, 0.5);
  const auto expect_refusal = [&](std::vector<std::uint32_t> nodes, std::vector<std::uint32_t> missing) {
    try {
      rerank.feed(nodes, std::span(scores).first(nodes.size()), missing);
      ADD_FAILURE() << "taken";
    } catch (const embedless::base::Error& error) {
      EXPECT_STREQ(error.code, "INVALID_ARGUMENT");
    }
    EXPECT_EQ(rerank.wants(), wants);
    EXPECT_EQ(rerank.recomputed(), 0u);
  };
  expect_refusal({wants[0], wants[0]}, {});
  expect_refusal({wants[0], wants[1], wants[2], wants[2]}, {});
  expect_refusal({wants[0], wants[1], wants[2], wants[3]}, {wants[3]});
  expect_refusal({wants[0], wants[1], wants[2], 4'000'000'000u}, {});
}

TEST(Rerank, SomeOfTheWantedShrinkTheWantsAndTheLastOneBeginsTheNextRound) {
  const Problem problem = random_problem(60, 0, 6);
  Rerank rerank(problem.candidates, {.k = 4, .recall = 0.3});
  const auto wants = rerank.wants();
  ASSERT_EQ(wants.size(), 4u);
  rerank.feed({}, {}, {});
  EXPECT_EQ(rerank.wants(), wants);
  rerank_problem::feed_some(rerank, problem, {wants[2], wants[0]});
  EXPECT_EQ(rerank.wants(), (std::vector{wants[1], wants[3]}));
  EXPECT_EQ(rerank.recomputed(), 2u);
  // Two are exact, the other answers are estimates.
  EXPECT_EQ(std::ranges::count_if(rerank.answers(), &Answer::exact), 2);
  EXPECT_THROW(rerank_problem::feed_some(rerank, problem, {wants[0]}), embedless::base::Error);
  rerank.raise(1);
  rerank_problem::feed_some(rerank, problem, {wants[3], wants[1]});
  const auto next = rerank.wants();
  ASSERT_FALSE(next.empty());
  for (const std::uint32_t node : next) EXPECT_EQ(std::ranges::count(wants, node), 0);
}

TEST(Rerank, ACapBelowKFillsUpWithEstimates) {
  // What is exact answers, though it turned out worse than the estimates that others have.
  const std::vector<Estimated> candidates{{0, 0.9f, 0.1f}, {1, 0.8f, 0.1f}, {2, 0.7f, 0.1f}, {3, 0.6f, 0.1f}};
  Rerank rerank(candidates, {.k = 3, .recall = 0.9, .cap = 1});
  ASSERT_EQ(rerank.wants(), std::vector<std::uint32_t>{0});
  const std::vector<std::uint32_t> first{0};
  const std::vector<double> score{0.5};
  rerank.feed(first, score, {});
  EXPECT_TRUE(rerank.done());
  EXPECT_TRUE(rerank.capped());
  const auto answers = rerank.answers();
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_EQ(answers[0].node, 1u);
  EXPECT_EQ(answers[1].node, 2u);
  EXPECT_EQ(answers[2].node, 0u);
  EXPECT_EQ(answers[2].score, 0.5);
  EXPECT_TRUE(answers[2].exact);
}

TEST(Rerank, SaysWhetherTheCapEndedIt) {
  const Problem problem = random_problem(300, 0, 4);
  const auto capped = [&](const RerankOptions& options) {
    Rerank rerank(problem.candidates, options);
    EXPECT_EQ(rerank.capped(), options.cap == 0);
    run(rerank, problem, 1);
    return rerank.capped();
  };
  EXPECT_TRUE(capped({.k = 10, .recall = 0.999, .cap = 16}));
  EXPECT_TRUE(capped({.k = 10, .recall = 0.999, .cap = 0}));
  EXPECT_FALSE(capped({.k = 10, .recall = 0.9, .cap = 1000}));
  // The cap lies just where the search ends anyway.
  Rerank free(problem.candidates, {.k = 10, .recall = 0.9, .cap = 1000});
  run(free, problem, 1);
  EXPECT_FALSE(capped({.k = 10, .recall = 0.9, .cap = free.recomputed()}));
}

TEST(Rerank, TheFirstRoundTellsHowFarEstimatesWereOff) {
  const std::vector<Estimated> candidates{{0, 0.9f, 0.125f}, {1, 0.75f, 0.0f}, {2, 0.5f, 0.5f}, {3, 0.25f, 0.5f}};
  Rerank rerank(candidates, {.k = 3, .recall = 0.3, .cap = 4, .sigma_scale = 2});
  EXPECT_EQ(rerank.first_round().count, 0u);
  auto wants = rerank.wants();
  ASSERT_EQ(wants.size(), 3u);
  rerank.raise(1);
  const std::vector<double> exact{double{0.9f} + 0.25, 0.5, 1.0, -7};
  std::vector<double> scores;
  double expected = 0;
  for (const std::uint32_t node : wants) {
    scores.push_back(exact[node]);
    const Estimated& one = candidates[node];
    if (one.sigma > 0) expected += std::pow((exact[node] - double{one.estimate}) / double{one.sigma}, 2);
  }
  rerank.feed(wants, scores, {});
  const auto misses = rerank.first_round();
  EXPECT_DOUBLE_EQ(misses.sum_squares, expected);
  wants = rerank.wants();
  ASSERT_EQ(wants.size(), 1u);
  const std::vector<double> last{exact[wants[0]]};
  rerank.feed(wants, last, {});
  EXPECT_EQ(rerank.first_round().count, misses.count);
  EXPECT_EQ(rerank.answers()[0].sigma, 0.25f);
}

TEST(Rerank, WiderErrorsAskForMore) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    const Problem problem = random_problem(300, 0.1, seed);
    Rerank narrow(problem.candidates, {.k = 10, .recall = 0.9, .cap = 300, .sigma_scale = 0.25});
    Rerank wide(problem.candidates, {.k = 10, .recall = 0.9, .cap = 300, .sigma_scale = 4});
    EXPECT_LT(run(narrow, problem, 1).size(), run(wide, problem, 2).size());
  }
}

TEST(Rerank, LooksAtAllThatAreLikelyEnough) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    const Problem problem = random_problem(300, 0.05, seed);
    const RerankOptions options{.k = 10, .recall = 0.4, .least_chance = 0.08, .cap = 300};
    expect_reference(problem, options, seed);
    Reference by_chance(problem, options);
    Reference by_recall(problem, {.k = 10, .recall = 0.4, .cap = 300});
    EXPECT_GT(by_chance.run().size(), by_recall.run().size());
    const auto likely = chances(by_chance.entries, options.k);
    for (std::size_t i = 0; i < likely.size(); ++i) {
      EXPECT_FALSE(by_chance.entries[i].state == Entry::State::open && likely[i] >= 0.08);
    }
  }
}

TEST(RerankApprox, ClearlySeparatedCandidatesCostNothing) {
  const std::vector<Estimated> candidates{{5, 0.9f, 0.01f}, {3, 0.8f, 0.01f}, {4, 0.3f, 0.01f}};
  const Rerank rerank(candidates, {.k = 2, .recall = 0.999, .scores = Scores::approx});
  EXPECT_TRUE(rerank.done());
  EXPECT_FALSE(rerank.capped());
  EXPECT_EQ(rerank.dismissed(), 1u);
  EXPECT_NEAR(rerank.expected_recall(), 1, 1e-6);
  const auto answers = rerank.answers();
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0].node, 5u);
  EXPECT_FALSE(answers[0].exact);
}

TEST(RerankApprox, RecomputesLessThanExactScoresDo) {
  std::size_t approximate = 0;
  std::size_t full = 0;
  for (unsigned seed = 0; seed < 50; ++seed) {
    const Problem problem = random_problem(200, 0, seed);
    Rerank some(problem.candidates, {.k = 10, .recall = 0.9, .cap = 200, .scores = Scores::approx});
    Rerank all(problem.candidates, {.k = 10, .recall = 0.9, .cap = 200});
    approximate += run(some, problem, 1).size();
    full += run(all, problem, 1).size();
  }
  EXPECT_LT(approximate, full);
}

TEST(RerankApprox, OfEstimatesThatTieWithoutAnErrorTheFirstNodesAnswer) {
  std::vector<Estimated> candidates;
  for (std::uint32_t node = 0; node < 5; ++node) candidates.push_back({node, 0.5f, 0});
  const Rerank rerank(candidates, {.k = 2, .scores = Scores::approx});
  EXPECT_TRUE(rerank.done());
  EXPECT_EQ(rerank.dismissed(), 3u);
  EXPECT_EQ(rerank.answers()[0].node, 0u);
  EXPECT_EQ(rerank.answers()[1].node, 1u);
  EXPECT_EQ(rerank.expected_recall(), 1);
}

TEST(Rerank, DamagedEstimatesNeitherAnswerBeforeOthersNorBreakTheOrder) {
  const float least = -std::numeric_limits<float>::infinity();
  const std::vector<Estimated> candidates{{0, 0.9f, 0.1f}, {1, 0.5f, 0.1f}, {2, least, 0.0f}, {3, least, 1.0f}};
  for (const Scores scores : {Scores::exact, Scores::approx}) {
    for (const double recall : {0.5, 1.0}) {
      for (const std::size_t k : {1, 2, 3, 9}) {
        const Rerank rerank(candidates, {.k = k, .recall = recall, .scores = scores});
        const auto answers = rerank.answers();
        ASSERT_EQ(answers.size(), std::min<std::size_t>(k, 4));
        EXPECT_EQ(answers[0].node, 0u);
        EXPECT_GE(rerank.expected_recall(), 0);
      }
    }
  }
}

}  // namespace
