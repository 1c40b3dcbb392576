// The bounded rerank against a straightforward reading of the method, on random candidates.

#include "index/rerank.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <set>
#include <string>

#include "code/error.h"

namespace {

using embedless::index::Answer;
using embedless::index::BoundOptions;
using embedless::index::Estimated;
using embedless::index::Rerank;

struct Problem {
  std::vector<Estimated> candidates;
  std::vector<double> exact;        // by node
  std::set<std::uint32_t> missing;
};

/// n candidates in order, exact scores off by about sigma; few distinct values, so that ties are common.
Problem random_problem(std::size_t n, double missing_share, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  Problem problem;
  for (std::uint32_t node = 0; node < n; ++node) {
    const auto estimate = static_cast<float>(std::round(20 * normal(random)) / 20);
    const auto sigma = static_cast<float>(0.05 + 0.05 * (random() % 4));
    problem.candidates.push_back({.node = node, .estimate = estimate, .sigma = sigma});
    problem.exact.push_back(std::round(40 * (estimate + 0.7 * sigma * normal(random))) / 40);
    if (std::bernoulli_distribution(missing_share)(random)) problem.missing.insert(node);
  }
  std::ranges::sort(problem.candidates, [](const Estimated& a, const Estimated& b) {
    return a.estimate != b.estimate ? a.estimate > b.estimate : a.node < b.node;
  });
  return problem;
}

/// Candidates that the method recomputes: the reference's loop, with a strict comparison, on those that exist.
std::vector<Estimated> reference_bound(const Problem& problem, const BoundOptions& options) {
  std::vector<Estimated> order;
  for (const auto& candidate : problem.candidates) {
    if (!problem.missing.contains(candidate.node)) order.push_back(candidate);
  }
  const std::size_t first = (options.k + options.batch - 1) / options.batch * options.batch;
  const std::size_t cap = std::max(options.cap, first);
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

/// Runs a rerank to its end; the order within a feed is shuffled.
std::set<std::uint32_t> run(Rerank& rerank, const Problem& problem, unsigned seed) {
  std::mt19937 random(seed);
  std::set<std::uint32_t> recomputed;
  while (!rerank.done()) {
    std::vector<std::uint32_t> nodes, missing;
    for (const std::uint32_t node : rerank.wants()) (problem.missing.contains(node) ? missing : nodes).push_back(node);
    std::ranges::shuffle(nodes, random);
    std::vector<double> scores;
    for (const std::uint32_t node : nodes) scores.push_back(problem.exact[node]);
    recomputed.insert(nodes.begin(), nodes.end());
    rerank.feed(nodes, scores, missing);
  }
  return recomputed;
}

void expect_reference(const Problem& problem, const BoundOptions& options, unsigned seed) {
  const auto chosen = reference_bound(problem, options);
  Rerank rerank(problem.candidates, options);
  const auto recomputed = run(rerank, problem, seed);
  ASSERT_EQ(recomputed.size(), chosen.size());
  for (const auto& candidate : chosen) ASSERT_TRUE(recomputed.contains(candidate.node));
  EXPECT_EQ(rerank.recomputed(), chosen.size());

  std::vector<std::pair<double, std::uint32_t>> best;
  for (const auto& candidate : chosen) best.emplace_back(-problem.exact[candidate.node], candidate.node);
  std::ranges::sort(best);
  best.resize(std::min(best.size(), options.k));
  const auto answers = rerank.answers();
  ASSERT_EQ(answers.size(), best.size());
  for (std::size_t i = 0; i < best.size(); ++i) {
    ASSERT_EQ(answers[i].node, best[i].second) << "rank " << i;
    ASSERT_EQ(answers[i].score, -best[i].first);
    ASSERT_TRUE(answers[i].exact);
  }
}

TEST(Rerank, RecomputesWhatTheReferenceDoes) {
  unsigned seed = 0;
  for (const std::size_t n : {0, 1, 9, 10, 16, 17, 60, 500}) {
    for (const std::size_t k : {1, 3, 8, 10, 70}) {
      for (const std::size_t batch : {1, 4, 8}) {
        for (const double eps : {-0.5, 0.0, 0.5, 2.0}) {
          for (const std::size_t cap : {0, 12, 64, 1000}) {
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
  expect_refusal({}, {});
  expect_refusal({wants[0], wants[1], wants[2]}, {});
  expect_refusal({wants[0], wants[1], wants[2], wants[2]}, {});
  expect_refusal({wants[0], wants[1], wants[2], wants[3]}, {wants[3]});
  expect_refusal({wants[0], wants[1], wants[2], 4'000'000'000u}, {});
}

}  // namespace
