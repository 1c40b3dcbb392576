// The rerank that recomputes only what estimates cannot tell, against the definition, candidate by candidate.

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <set>
#include <vector>

#include "index/bounds.h"
#include "index/rerank.h"
#include "rerank_problem.h"

namespace {

using embedless::index::Entry;
using embedless::index::judge;
using embedless::index::Scores;
using embedless::index::Verdict;
using rerank_problem::Answer;
using rerank_problem::BoundOptions;
using rerank_problem::Estimated;
using rerank_problem::Problem;
using rerank_problem::random_problem;
using rerank_problem::Rerank;
using rerank_problem::run;

BoundOptions approx(std::size_t k, double eps, std::size_t batch, std::size_t cap) {
  return {.k = k, .eps = eps, .batch = batch, .cap = cap, .scores = Scores::approx};
}

/// The definition: what the intervals say once some scores are known.
struct Reference {
  Reference(const Problem& problem_, const BoundOptions& options_) : problem(problem_), options(options_) { look(); }

  const Problem& problem;
  BoundOptions options;
  std::set<std::uint32_t> exact{};
  std::set<std::uint32_t> gone{};
  double rivals = 0;
  double bar = 0;

  double end(const Estimated& one, double sign) const {
    if (exact.contains(one.node)) return problem.exact[one.node];
    return double{one.estimate} + sign * std::max(options.eps, 0.0) * double{one.sigma};
  }
  /// The n-th highest of all ends, minus infinity if there are fewer.
  double nth(std::size_t n, double sign) const {
    std::vector<double> ends;
    for (const auto& one : problem.candidates) {
      if (!gone.contains(one.node)) ends.push_back(end(one, sign));
    }
    std::ranges::sort(ends, std::greater<>());
    return n <= ends.size() ? ends[n - 1] : -std::numeric_limits<double>::infinity();
  }
  void look() {
    rivals = nth(options.k + 1, 1);
    bar = nth(options.k, -1);
  }
  bool open(const Estimated& one) const { return !exact.contains(one.node) && !gone.contains(one.node); }
  bool taken(const Estimated& one) const { return open(one) && end(one, -1) > rivals; }
  bool dismissed(const Estimated& one) const { return open(one) && !taken(one) && end(one, 1) <= bar; }

  void run() {
    while (true) {
      std::vector<std::uint32_t> asked;
      for (const auto& one : problem.candidates) {
        if (asked.size() == std::min(options.batch, options.cap - exact.size())) break;
        if (open(one) && !taken(one) && !dismissed(one)) asked.push_back(one.node);
      }
      if (asked.empty()) return;
      for (const std::uint32_t node : asked) (problem.missing.contains(node) ? gone : exact).insert(node);
      look();
    }
  }
};

void expect_reference(const Problem& problem, const BoundOptions& options, unsigned seed) {
  Reference reference(problem, options);
  reference.run();
  Rerank rerank(problem.candidates, options);
  auto asked = reference.exact;
  asked.insert(reference.gone.begin(), reference.gone.end());
  EXPECT_EQ(run(rerank, problem, seed, 1 + seed % 5), asked);

  std::size_t dismissed = 0;
  std::size_t left = 0;
  rerank_problem::Ranked sure, unsure;
  for (const auto& one : problem.candidates) {
    if (reference.gone.contains(one.node)) continue;
    const bool exact = reference.exact.contains(one.node);
    (exact || reference.taken(one) ? sure : unsure)
        .emplace_back(exact ? -problem.exact[one.node] : -double{one.estimate}, one.node);
    if (reference.dismissed(one)) ++dismissed;
    else if (!exact && !reference.taken(one)) ++left;
  }
  const auto best = rerank_problem::best_of(std::move(sure), std::move(unsure), options.k);
  const auto answers = rerank.answers();
  ASSERT_EQ(answers.size(), best.size());
  for (std::size_t i = 0; i < best.size(); ++i) {
    ASSERT_EQ(answers[i].node, best[i].second) << "rank " << i;
    ASSERT_EQ(answers[i].score, -best[i].first);
    ASSERT_EQ(answers[i].exact, reference.exact.contains(answers[i].node));
  }
  EXPECT_LE(rerank.dismissed(), dismissed);
  EXPECT_GE(rerank.dismissed() + options.k, dismissed);
  EXPECT_EQ(rerank.capped(), left > 0);
  EXPECT_GE(rerank.expected_recall(), 0);
  EXPECT_LE(rerank.expected_recall(), 1);
}

TEST(RerankApprox, RecomputesWhatTheDefinitionSays) {
  unsigned seed = 0;
  for (const std::size_t n : {0, 1, 10, 11, 60, 300}) {
    for (const std::size_t k : {1, 3, 10, 30, 70}) {
      for (const std::size_t batch : {1, 8}) {
        for (const double eps : {-0.5, 0.0, 0.5, 2.0, 100.0}) {
          for (const std::size_t cap : {0, 1, 5, 1000}) {
            for (const double missing : {0.0, 0.3}) {
              SCOPED_TRACE(testing::Message() << n << " candidates, k " << k << " batch " << batch << " eps " << eps
                                              << " cap " << cap << " missing " << missing);
              ++seed;
              expect_reference(random_problem(n, missing, seed), approx(k, eps, batch, cap), seed);
              if (testing::Test::HasFatalFailure()) return;
            }
          }
        }
      }
    }
  }
}

TEST(RerankApprox, IfTheErrorsKeepTheirMarginItFindsTheTrueSet) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    Problem problem = random_problem(200, 0, seed);
    for (const auto& one : problem.candidates) {
      const double width = 1.5 * double{one.sigma};
      double& exact = problem.exact[one.node];
      exact = std::clamp(exact, double{one.estimate} - width, double{one.estimate} + width);
      exact += 1e-9 * one.node;  // no ties
    }
    Rerank approximate(problem.candidates, approx(10, 1.5001, 4, 200));
    Rerank full(problem.candidates, {10, 1.5001, 4, 200});
    run(approximate, problem, 1);
    run(full, problem, 1);
    EXPECT_LE(approximate.recomputed(), full.recomputed());
    std::set<std::uint32_t> found, expected;
    for (const Answer& answer : approximate.answers()) found.insert(answer.node);
    for (const Answer& answer : full.answers()) expected.insert(answer.node);
    EXPECT_EQ(found, expected);
  }
}

TEST(RerankApprox, ClearlySeparatedCandidatesCostNothing) {
  const std::vector<Estimated> candidates{{5, 0.9f, 0.01f}, {3, 0.8f, 0.01f}, {4, 0.3f, 0.01f}};
  const Rerank rerank(candidates, approx(2, 3, 8, 64));
  EXPECT_TRUE(rerank.done());
  EXPECT_FALSE(rerank.capped());
  EXPECT_EQ(rerank.dismissed(), 1u);
  EXPECT_NEAR(rerank.expected_recall(), 1, 1e-6);
  const auto answers = rerank.answers();
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0].node, 5u);
  EXPECT_FALSE(answers[0].exact);
}

TEST(RerankApprox, OfEstimatesThatTieWithoutAnErrorTheFirstNodesAnswer) {
  std::vector<Estimated> candidates;
  for (std::uint32_t node = 0; node < 5; ++node) candidates.push_back({node, 0.5f, 0});
  const Rerank rerank(candidates, approx(2, 1, 8, 64));
  EXPECT_TRUE(rerank.done());
  EXPECT_EQ(rerank.dismissed(), 3u);
  EXPECT_EQ(rerank.answers()[0].node, 0u);
  EXPECT_EQ(rerank.answers()[1].node, 1u);
  EXPECT_EQ(rerank.expected_recall(), 1);
}

TEST(RerankApprox, DamagedEstimatesNeitherAnswerBeforeOthersNorBreakTheOrder) {
  const float least = -std::numeric_limits<float>::infinity();
  const std::vector<Estimated> candidates{
      {0, 0.9f, 0.1f}, {1, 0.5f, 0.1f}, {2, least, 0.0f}, {3, least, 1.0f}};
  for (const double eps : {-1e300, 0.0, 1e300}) {
    for (const std::size_t k : {1, 2, 3, 9}) {
      Rerank rerank(candidates, approx(k, eps, 8, 64));
      const auto answers = rerank.answers();
      ASSERT_EQ(answers.size(), std::min<std::size_t>(k, 4));
      EXPECT_EQ(answers[0].node, 0u);
      EXPECT_GE(rerank.expected_recall(), 0);
    }
  }
}

TEST(Judge, CountsWhatIsGoneForNothing) {
  std::vector<Entry> entries{{.node = 0, .estimate = 0.9f, .code_sigma = 0.1f, .sigma = 0.1},
                             {.node = 1, .estimate = 0.8f, .code_sigma = 0.1f, .sigma = 0.1},
                             {.node = 2, .estimate = 0.1f, .code_sigma = 0.1f, .sigma = 0.1}};
  EXPECT_EQ(judge(entries, 1, 1), (std::vector{Verdict::ambiguous, Verdict::ambiguous, Verdict::dismissed}));
  entries[0].state = Entry::State::gone;
  EXPECT_EQ(judge(entries, 1, 1), (std::vector{Verdict::settled, Verdict::taken, Verdict::dismissed}));
  entries[0].state = Entry::State::exact;
  entries[0].score = 0.95;
  EXPECT_EQ(judge(entries, 1, 1), (std::vector{Verdict::settled, Verdict::dismissed, Verdict::dismissed}));
}

}  // namespace
