// Walks that ask for distances: as good as those that have them, and two-level ones with fewer.

#include "graph/recompute_walk.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "base/error.h"
#include "graph/hnsw.h"
#include "graph/space.h"
#include "graph/vamana.h"

namespace {

using namespace space;
using graph::RecomputeStrategy;
using graph::RecomputeWalk;

constexpr std::size_t count = 2000;

struct Fixture {
  std::vector<float> all = vectors(count, 40);
  std::vector<float> queries = vectors(40, 41);
  Rows exact{RowForm::float32, Metric::l2, all};
  std::shared_ptr<graph::Graph> vamana =
      std::make_shared<graph::Graph>(build_vamana(*exact.vectors, {.max_degree = 16, .build_window = 60}));
  std::shared_ptr<graph::Graph> hnsw =
      std::make_shared<graph::Graph>(build_hnsw(*exact.vectors, {.m = 8, .ef_construction = 60}));

  /// Estimates that are wrong by some noise, which depends on the node alone.
  RecomputeWalk::Estimate estimate(std::size_t q) const {
    return [this, q](std::span<const std::uint32_t> nodes, float* out) {
      for (std::size_t i = 0; i < nodes.size(); ++i) {
        embedless::base::Random random(nodes[i]);
        const double truth = distance(Metric::l2, &queries[q * dims], &all[nodes[i] * dims]);
        out[i] = static_cast<float>(truth * (1 + 0.2 * random.symmetric()));
      }
    };
  }

  void feed_all(RecomputeWalk& walk, std::size_t q, bool backwards = false) const {
    std::set<std::uint32_t> asked;
    while (!walk.done()) {
      auto nodes = walk.wants();
      if (backwards) std::reverse(nodes.begin(), nodes.end());
      std::vector<double> distances;
      for (const std::uint32_t node : nodes) {
        EXPECT_TRUE(asked.insert(node).second) << "asked twice";
        distances.push_back(distance(Metric::l2, &queries[q * dims], &all[node * dims]));
      }
      walk.feed(nodes, distances, {});
    }
    EXPECT_EQ(walk.recomputed(), asked.size());
  }

  double recall_of(const RecomputeWalk& walk, std::size_t q, const std::vector<std::uint64_t>& allowed = {}) const {
    const auto truth = nearest(Metric::l2, all, &queries[q * dims], 10, allowed);
    std::size_t hits = 0;
    for (std::size_t i = 0; i < std::min<std::size_t>(10, walk.nearest().size()); ++i) {
      hits += static_cast<std::size_t>(std::count(truth.begin(), truth.end(), walk.nearest()[i].node));
    }
    return static_cast<double>(hits) / static_cast<double>(truth.size());
  }
};

// Fed with the very numbers that the other walk computes: others, rounded differently, could order two nodes at the
// window's end differently.
TEST(RecomputeWalk, ExactOnesFindWhatAWalkOverVectorsFinds) {
  const Fixture fixture;
  const graph::Vectors& exact = *fixture.exact.vectors;
  graph::Walker walker;
  graph::Query query;
  for (const auto& built : {fixture.vamana, fixture.hnsw}) {
    for (std::size_t q = 0; q < 40; ++q) {
      exact.prepare(&fixture.queries[q * dims], query);
      RecomputeWalk walk(built, {.window = 30});
      while (!walk.done()) {
        const auto nodes = walk.wants();
        std::vector<float> measured(nodes.size());
        exact.distances(query, nodes, measured.data());
        walk.feed(nodes, std::vector<double>(measured.begin(), measured.end()), {});
      }
      const auto found = built->search(exact, query, {.window = 30}, walker);
      ASSERT_EQ(walk.nearest().size(), found.size());
      for (std::size_t i = 0; i < found.size(); ++i) EXPECT_EQ(walk.nearest()[i].node, found[i].node);
    }
  }
}

TEST(RecomputeWalk, BatchesFillUpAndOrderOfArrivalDecidesNothing) {
  const Fixture fixture;
  double sum = 0;
  std::size_t rounds = 0, full = 0;
  for (std::size_t q = 0; q < 40; ++q) {
    RecomputeWalk walk(fixture.vamana, {.window = 30, .batch = 64}), other(fixture.vamana, {.window = 30, .batch = 64});
    walk.feed(walk.wants(), std::vector<double>{1.0}, {});
    while (!walk.done()) {
      ++rounds;
      full += walk.wants().size() >= 64 ? 1 : 0;
      const auto nodes = walk.wants();
      std::vector<double> distances;
      for (const std::uint32_t node : nodes) {
        distances.push_back(distance(Metric::l2, &fixture.queries[q * dims], &fixture.all[node * dims]));
      }
      walk.feed(nodes, distances, {});
    }
    fixture.feed_all(other, q, true);
    RecomputeWalk again(fixture.vamana, {.window = 30, .batch = 64});
    fixture.feed_all(again, q, false);
    ASSERT_EQ(again.nearest().size(), other.nearest().size());
    for (std::size_t i = 0; i < other.nearest().size(); ++i)
      EXPECT_EQ(again.nearest()[i].node, other.nearest()[i].node);
    EXPECT_EQ(again.recomputed(), other.recomputed());
    sum += fixture.recall_of(other, q);
  }
  EXPECT_GT(sum / 40, 0.93);
  EXPECT_GT(full * 2, rounds);
}

TEST(RecomputeWalk, TwoLevelsNeedFewerRecomputes) {
  const Fixture fixture;
  for (const auto& built : {fixture.vamana, fixture.hnsw}) {
    std::size_t all = 0;
    for (std::size_t q = 0; q < 40; ++q) {
      RecomputeWalk walk(built, {.window = 30});
      fixture.feed_all(walk, q);
      all += walk.recomputed();
    }
    for (const auto strategy : {RecomputeStrategy::global, RecomputeStrategy::local, RecomputeStrategy::proportional}) {
      std::size_t some = 0;
      double sum = 0;
      for (std::size_t q = 0; q < 40; ++q) {
        RecomputeWalk walk(built, {.window = 30, .ratio = 0.3, .strategy = strategy}, fixture.estimate(q));
        fixture.feed_all(walk, q);
        some += walk.recomputed();
        sum += fixture.recall_of(walk, q);
      }
      EXPECT_LT(static_cast<double>(some), 0.8 * static_cast<double>(all)) << static_cast<int>(strategy);
      EXPECT_GT(sum / 40, 0.85) << static_cast<int>(strategy);
    }
  }
}

TEST(RecomputeWalk, Filters) {
  const Fixture fixture;
  std::vector<std::uint64_t> allowed((count + 63) / 64, 0x1111111111111111ull);
  double sum = 0;
  for (std::size_t q = 0; q < 40; ++q) {
    RecomputeWalk walk(fixture.vamana, {.window = 30, .allowed = allowed});
    fixture.feed_all(walk, q);
    for (const auto& one : walk.nearest()) EXPECT_EQ(one.node % 4, 0u);
    sum += fixture.recall_of(walk, q, allowed);
  }
  EXPECT_GT(sum / 40, 0.97);
}

TEST(RecomputeWalk, GoesOnWhenNodesAreGone) {
  const Fixture fixture;
  for (const auto& built : {fixture.vamana, fixture.hnsw}) {
    RecomputeWalk walk(built, {.window = 30});
    while (!walk.done()) {
      std::vector<std::uint32_t> nodes, missing;
      std::vector<double> distances;
      for (const std::uint32_t node : walk.wants()) {
        if (node % 3 == 0 || node == built->entry) {
          missing.push_back(node);
        } else {
          nodes.push_back(node);
          distances.push_back(distance(Metric::l2, fixture.queries.data(), &fixture.all[node * dims]));
        }
      }
      walk.feed(nodes, distances, missing);
    }
    EXPECT_EQ(walk.nearest().size(), 30u);
    for (const auto& one : walk.nearest()) EXPECT_NE(one.node % 3, 0u);
  }
}

TEST(RecomputeWalk, RefusesWhatItDidNotAskFor) {
  const Fixture fixture;
  RecomputeWalk walk(fixture.vamana, {});
  const auto wants = walk.wants();
  const std::vector<double> one = {1.0}, two = {1.0, 2.0}, bad = {std::numeric_limits<double>::quiet_NaN()};
  const std::vector<std::uint32_t> other = {wants[0] + 1};
  using embedless::base::Error;
  EXPECT_THROW(walk.feed(other, one, {}), Error);
  EXPECT_THROW(walk.feed(wants, two, {}), Error);
  EXPECT_THROW(walk.feed(wants, one, wants), Error);
  EXPECT_THROW(walk.feed({}, {}, {}), Error);
  EXPECT_THROW(walk.feed(wants, bad, {}), Error);
  EXPECT_EQ(walk.wants(), wants);
  walk.feed(wants, one, {});
  EXPECT_NE(walk.wants(), wants);
  EXPECT_THROW(RecomputeWalk(fixture.vamana, {.ratio = 0}), Error);
  EXPECT_THROW(RecomputeWalk(fixture.vamana, {.ratio = 1.5}), Error);
  EXPECT_THROW(RecomputeWalk(fixture.vamana, {.window = 0}), Error);
  EXPECT_THROW(RecomputeWalk(fixture.vamana, {.batch = 0}), Error);
}

}  // namespace
