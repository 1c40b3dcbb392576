// The bounded rerank against a straightforward reading of the method, on random candidates.

#include "index/rerank.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <string>

#include "code/error.h"
#include "rerank_problem.h"

namespace {

using rerank_problem::Answer;
using rerank_problem::best_of;
using rerank_problem::BoundOptions;
using rerank_problem::Estimated;
using rerank_problem::Problem;
using rerank_problem::random_problem;
using rerank_problem::Ranked;
using rerank_problem::Rerank;
using rerank_problem::run;

/// Candidates that the method recomputes: the reference's loop, with a strict comparison, on those that exist.
std::vector<Estimated> reference_bound(const Problem& problem, const BoundOptions& options) {
  std::vector<Estimated> order;
  for (const auto& candidate : problem.candidates) {
    if (!problem.missing.contains(candidate.node)) order.push_back(candidate);
  }
  const std::size_t cap = options.cap;
  const std::size_t first = std::min((options.k + options.batch - 1) / options.batch * options.batch, cap);
  std::vector<bool> done(order.size());
  std::size_t count = std::min(first, order.size());
  std::fill_n(done.begin(), count, true);
  while (count < cap && count >= options.k) {
    std::vector<double> scores;
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (done[i]) scores.push_back(problem.exact[order[i].node]);
    }
    std::ranges::sort(scores, std::greater<>());
    const double tau = scores[options.k - 1];
    std::size_t taken = 0;
    for (std::size_t i = 0; i < order.size() && taken < std::min(options.batch, cap - count); ++i) {
      if (done[i] || !(double{order[i].estimate} + options.eps * double{order[i].sigma} > tau)) continue;
      done[i] = true;
      ++taken;
    }
    if (taken == 0) break;
    count += taken;
  }
  std::vector<Estimated> chosen;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (done[i]) chosen.push_back(order[i]);
  }
  return chosen;
}

/// The best k of those recomputed, filled up with estimates of those not known to be gone.
Ranked reference_answer(const Problem& problem, std::size_t k, const std::set<std::uint32_t>& recomputed,
                        const std::set<std::uint32_t>& asked) {
  Ranked sure, unsure;
  for (const auto& candidate : problem.candidates) {
    const bool exact = recomputed.contains(candidate.node);
    if (exact) sure.emplace_back(-problem.exact[candidate.node], candidate.node);
    else if (!asked.contains(candidate.node)) unsure.emplace_back(-double{candidate.estimate}, candidate.node);
  }
  return best_of(std::move(sure), std::move(unsure), k);
}

void expect_reference(const Problem& problem, const BoundOptions& options, unsigned seed) {
  const auto chosen = reference_bound(problem, options);
  Rerank rerank(problem.candidates, options);
  const auto asked = run(rerank, problem, seed, 1 + seed % 5);
  std::set<std::uint32_t> recomputed;
  std::ranges::set_difference(asked, problem.missing, std::inserter(recomputed, recomputed.end()));
  ASSERT_EQ(recomputed.size(), chosen.size());
  for (const auto& candidate : chosen) ASSERT_TRUE(recomputed.contains(candidate.node));
  EXPECT_EQ(rerank.recomputed(), chosen.size());

  const auto best = reference_answer(problem, options.k, recomputed, asked);
  const auto answers = rerank.answers();
  ASSERT_EQ(answers.size(), best.size());
  for (std::size_t i = 0; i < answers.size(); ++i) {
    ASSERT_EQ(answers[i].node, best[i].second) << "rank " << i;
    ASSERT_EQ(answers[i].score, -best[i].first);
    ASSERT_EQ(answers[i].exact, recomputed.contains(answers[i].node));
  }
  EXPECT_GE(rerank.expected_recall(), 0);
  EXPECT_LE(rerank.expected_recall(), 1);
}

TEST(Rerank, RecomputesWhatTheReferenceDoes) {
  unsigned seed = 0;
  for (const std::size_t n : {0, 1, 9, 10, 16, 17, 60, 500}) {
    for (const std::size_t k : {1, 3, 8, 10, 70}) {
      for (const std::size_t batch : {1, 4, 8}) {
        for (const double eps : {-0.5, 0.0, 0.5, 2.0}) {
          for (const std::size_t cap : {0, 1, 7, 12, 64, 1000}) {
            for (const double missing : {0.0, 0.3}) {
              SCOPED_TRACE(testing::Message() << n << " candidates, k " << k << " batch " << batch << " eps " << eps
                                              << " cap " << cap << " missing " << missing);
              ++seed;
              expect_reference(random_problem(n, missing, seed), {k, eps, batch, cap}, seed);
              if (testing::Test::HasFatalFailure()) return;
            }
          }
        }
      }
    }
  }
}

TEST(Rerank, AsksForTheFirstRoundInOrderOfEstimate) {
  const Problem problem = random_problem(100, 0, 1);
  const Rerank rerank(problem.candidates, {10, 0.5, 8, 64});
  const auto wants = rerank.wants();
  ASSERT_EQ(wants.size(), 16u);
  for (std::size_t i = 0; i < 16; ++i) EXPECT_EQ(wants[i], problem.candidates[i].node);
}

TEST(Rerank, ANodeAtTheBarIsNotRecomputed) {
  // Its reach equals the k-th score: it could only tie, and the strict bound leaves it.
  const std::vector<Estimated> candidates{{0, 1.0f, 0}, {1, 0.5f, 0}, {2, 0.25f, 0}};
  Rerank rerank(candidates, {1, 1.0, 1, 10});
  const std::vector<std::uint32_t> first{0};
  const std::vector<double> score{0.5};
  rerank.feed(first, score, {});
  EXPECT_TRUE(rerank.done());
  EXPECT_EQ(rerank.dismissed(), 2u);
}

TEST(Rerank, AnswersFromEstimatesBeforeAnyFeed) {
  const Problem problem = random_problem(50, 0, 2);
  const Rerank rerank(problem.candidates, {10, 0.5, 8, 64});
  const auto answers = rerank.answers();
  ASSERT_EQ(answers.size(), 10u);
  for (std::size_t i = 0; i < 10; ++i) {
    EXPECT_EQ(answers[i].node, problem.candidates[i].node);
    EXPECT_EQ(answers[i].score, double{problem.candidates[i].estimate});
    EXPECT_FALSE(answers[i].exact);
  }
  EXPECT_EQ(rerank.recomputed(), 0u);
  EXPECT_EQ(rerank.dismissed(), 0u);
}

TEST(Rerank, IfAllAreGoneThereIsNoAnswer) {
  Problem problem = random_problem(40, 0, 3);
  for (std::uint32_t node = 0; node < 40; ++node) problem.missing.insert(node);
  Rerank rerank(problem.candidates, {10, 0.5, 8, 64});
  run(rerank, problem, 1);
  EXPECT_TRUE(rerank.answers().empty());
  EXPECT_EQ(rerank.recomputed(), 0u);
}

TEST(Rerank, DismissedAreThoseBelowTheKthScore) {
  const Problem problem = random_problem(300, 0, 4);
  const BoundOptions options{10, 0.5, 8, 1000};
  Rerank rerank(problem.candidates, options);
  run(rerank, problem, 1);
  // Without a cap the bound has decided on every candidate.
  EXPECT_EQ(rerank.dismissed() + rerank.recomputed(), 300u);
  Rerank capped(problem.candidates, {10, 5.0, 8, 16});
  run(capped, problem, 1);
  EXPECT_EQ(capped.recomputed(), 16u);
  EXPECT_LT(capped.dismissed() + capped.recomputed(), 300u);
}

TEST(Rerank, RefusesOtherNodesThanTheWantedAndStaysAsItWas) {
  const Problem problem = random_problem(40, 0, 5);
  Rerank rerank(problem.candidates, {2, 0.5, 4, 64});
  const auto wants = rerank.wants();
  ASSERT_EQ(wants.size(), 4u);
  const std::vector<double> scores(4, 0.5);
  const auto expect_refusal = [&](std::vector<std::uint32_t> nodes, std::vector<std::uint32_t> missing) {
    try {
      rerank.feed(nodes, std::span(scores).first(nodes.size()), missing);
      ADD_FAILURE() << "taken";
    } catch (const embedless::code::Error& error) {
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
  Rerank rerank(problem.candidates, {3, 3.0, 4, 64});
  const auto wants = rerank.wants();
  ASSERT_EQ(wants.size(), 4u);
  rerank.feed({}, {}, {});
  EXPECT_EQ(rerank.wants(), wants);
  rerank_problem::feed_some(rerank, problem, {wants[2], wants[0]});
  EXPECT_EQ(rerank.wants(), (std::vector{wants[1], wants[3]}));
  EXPECT_EQ(rerank.recomputed(), 2u);
  // Two are exact, the third answer is an estimate.
  EXPECT_EQ(std::ranges::count_if(rerank.answers(), &Answer::exact), 2);
  EXPECT_THROW(rerank_problem::feed_some(rerank, problem, {wants[0]}), embedless::code::Error);
  rerank_problem::feed_some(rerank, problem, {wants[3], wants[1]});
  const auto next = rerank.wants();
  ASSERT_FALSE(next.empty());
  for (const std::uint32_t node : next) EXPECT_EQ(std::ranges::count(wants, node), 0);
}

TEST(Rerank, ACapBelowKFillsUpWithEstimates) {
  // What is exact answers, though it turned out worse than the estimates that others have.
  const std::vector<Estimated> candidates{{0, 0.9f, 0.1f}, {1, 0.8f, 0.1f}, {2, 0.7f, 0.1f}, {3, 0.6f, 0.1f}};
  Rerank rerank(candidates, {3, 0.5, 4, 1});
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
  const auto capped = [&](const BoundOptions& options) {
    Rerank rerank(problem.candidates, options);
    EXPECT_EQ(rerank.capped(), options.cap == 0);
    run(rerank, problem, 1);
    return rerank.capped();
  };
  EXPECT_TRUE(capped({10, 5.0, 8, 16}));
  EXPECT_TRUE(capped({10, 5.0, 8, 0}));
  EXPECT_FALSE(capped({10, 0.5, 8, 1000}));
  // The cap lies just where the bound ends the search anyway.
  Rerank free(problem.candidates, {10, 0.5, 8, 1000});
  run(free, problem, 1);
  EXPECT_FALSE(capped({10, 0.5, 8, free.recomputed()}));
}

TEST(Rerank, TheFirstRoundTellsHowFarEstimatesWereOff) {
  const std::vector<Estimated> candidates{{0, 0.9f, 0.125f}, {1, 0.75f, 0.0f}, {2, 0.5f, 0.5f}, {3, 0.25f, 0.5f}};
  Rerank rerank(candidates, {.k = 1, .eps = 100, .batch = 3, .cap = 4, .sigma_scale = 2});
  EXPECT_EQ(rerank.first_round().count, 0u);
  const std::vector<std::uint32_t> nodes{2, 1, 0};
  const std::vector<double> scores{1.0, 0.5, double{0.9f} + 0.25};
  rerank.feed(nodes, scores, {});
  const auto misses = rerank.first_round();
  EXPECT_EQ(misses.count, 2u);  // one has no sigma
  EXPECT_DOUBLE_EQ(misses.sum_squares, 1 + 4);
  ASSERT_EQ(rerank.wants(), std::vector<std::uint32_t>{3});
  const std::vector<double> last{-7};
  rerank.feed(rerank.wants(), last, {});
  EXPECT_EQ(rerank.first_round().count, 2u);
  EXPECT_EQ(rerank.answers()[0].sigma, 0.25f);
}

TEST(Rerank, AScaleOfSigmaIsAScaleOfTheMargin) {
  const Problem problem = random_problem(300, 0.1, 9);
  for (const double scale : {0.5, 2.0}) {
    Rerank scaled(problem.candidates, {.k = 10, .eps = 1, .batch = 8, .cap = 300, .sigma_scale = scale});
    Rerank widened(problem.candidates, {.k = 10, .eps = scale, .batch = 8, .cap = 300});
    EXPECT_EQ(run(scaled, problem, 1), run(widened, problem, 2));
  }
}

}  // namespace
