#include "graph/search.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "base/error.h"
#include "graph/space.h"
#include "graph/vamana.h"

namespace {

using namespace space;
using graph::Found;

TEST(SearchBuffer, KeepsTheBestInOrder) {
  embedless::base::Random random(20);
  for (const std::size_t capacity : {1u, 2u, 7u, 64u}) {
    graph::SearchBuffer buffer;
    buffer.reset(1, capacity);
    std::vector<Found> all;
    for (std::uint32_t node = 0; node < 300; ++node) {
      // Few different distances, some negative, so that nodes decide.
      all.push_back({static_cast<float>(random.below(20)) - 10.0f, node});
      buffer.insert(all.back().distance, node);
      auto sorted = all;
      std::sort(sorted.begin(), sorted.end(), graph::nearer);
      ASSERT_EQ(buffer.size(), std::min(capacity, sorted.size()));
      for (std::size_t i = 0; i < buffer.size(); ++i) {
        ASSERT_EQ(buffer[i].node, sorted[i].node);
        ASSERT_EQ(buffer[i].distance, sorted[i].distance);
      }
      ASSERT_EQ(buffer.bar(),
                sorted.size() < capacity ? std::numeric_limits<float>::infinity() : sorted[capacity - 1].distance);
    }
  }
}

TEST(SearchBuffer, ExpandsTheWindowOnly) {
  graph::SearchBuffer buffer;
  buffer.reset(2, 4);
  for (std::uint32_t node = 0; node < 4; ++node) buffer.insert(static_cast<float>(node), node);
  ASSERT_TRUE(buffer.waiting());
  EXPECT_EQ(buffer.expand().node, 0u);
  ASSERT_TRUE(buffer.waiting());
  EXPECT_EQ(buffer.peek(), 1u);
  EXPECT_EQ(buffer.expand().node, 1u);
  EXPECT_FALSE(buffer.waiting());
  buffer.insert(-1.0f, 9);
  ASSERT_TRUE(buffer.waiting());
  EXPECT_EQ(buffer.expand().node, 9u);
  EXPECT_FALSE(buffer.waiting());
  EXPECT_EQ(buffer[3].node, 2u);
}

TEST(VisitedSet, ForgetsAllEveryTime) {
  graph::VisitedSet visited;
  for (int round = 0; round < 600; ++round) {
    visited.reset(10);
    EXPECT_TRUE(visited.insert(3));
    EXPECT_FALSE(visited.insert(3));
    if (round % 7 == 0) {
      EXPECT_TRUE(visited.insert(4));
    }
  }
  visited.reset(20);
  EXPECT_TRUE(visited.insert(19));
  EXPECT_TRUE(visited.insert(3));
}

struct Fixture {
  std::vector<float> all = vectors(2000, 21);
  std::vector<float> queries = vectors(50, 22);
  Rows rows{RowForm::float32, Metric::l2, all};
  graph::Graph built = build_vamana(*rows.vectors, {.max_degree = 16, .build_window = 60});
  graph::Walker walker;
  graph::Query query;

  std::span<const Found> search(std::size_t q, const graph::WalkOptions& options) {
    rows.vectors->prepare(&queries[q * dims], query);
    return built.search(*rows.vectors, query, options, walker);
  }
};

TEST(Walker, CapacityKeepsMoreThanTheWindowAtNoMoreDistances) {
  Fixture fixture;
  double narrow = 0, wide = 0;
  for (std::size_t q = 0; q < 50; ++q) {
    const auto truth = nearest(Metric::l2, fixture.all, &fixture.queries[q * dims], 60);
    const auto few = fixture.search(q, {.window = 20});
    EXPECT_EQ(few.size(), 20u);
    const std::vector<Found> first(few.begin(), few.end());
    const std::size_t distances = fixture.walker.distances();
    narrow += recall(truth, first);
    const auto many = fixture.search(q, {.window = 20, .capacity = 60});
    EXPECT_EQ(many.size(), 60u);
    EXPECT_EQ(fixture.walker.distances(), distances);
    wide += recall(truth, many);
    for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(many[i].node, first[i].node);
  }
  EXPECT_GT(wide, narrow + 10);
}

TEST(Walker, FiltersLoseNoRecall) {
  Fixture fixture;
  for (const std::uint64_t one_in : {1u, 2u, 4u, 10u, 50u}) {
    std::vector<std::uint64_t> allowed((2000 + 63) / 64);
    for (std::uint32_t node = 0; node < 2000; ++node) {
      if (node % one_in == 0) allowed[node / 64] |= std::uint64_t{1} << (node % 64);
    }
    double sum = 0;
    for (std::size_t q = 0; q < 50; ++q) {
      const auto found = fixture.search(q, {.window = 40, .allowed = allowed});
      for (const Found& one : found) EXPECT_EQ(one.node % one_in, 0u);
      sum += recall(nearest(Metric::l2, fixture.all, &fixture.queries[q * dims], 10, allowed), found);
    }
    EXPECT_GT(sum / 50, 0.97) << one_in;
  }
}

TEST(Walker, FilterOfNothingAndOfAShorterBitmap) {
  Fixture fixture;
  const std::vector<std::uint64_t> nothing((2000 + 63) / 64);
  EXPECT_EQ(fixture.search(0, {.window = 10, .allowed = nothing}).size(), 0u);
  const std::vector<std::uint64_t> first_nodes = {~std::uint64_t{0}};
  const auto found = fixture.search(0, {.window = 64, .allowed = first_nodes});
  EXPECT_EQ(found.size(), 64u);
  for (const Found& one : found) EXPECT_LT(one.node, 64u);
}

TEST(Walker, AFilterOfAllAnswersAsNone) {
  Fixture fixture;
  const std::vector<std::uint64_t> everything((2000 + 63) / 64, ~std::uint64_t{0});
  for (std::size_t q = 0; q < 50; ++q) {
    const auto plain = fixture.search(q, {.window = 30});
    const std::vector<Found> expected(plain.begin(), plain.end());
    const auto filtered = fixture.search(q, {.window = 30, .allowed = everything});
    ASSERT_EQ(filtered.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(filtered[i].node, expected[i].node);
  }
}

TEST(Walker, Stops) {
  Fixture fixture;
  embedless::base::StopFlag stop;
  stop.stop();
  EXPECT_THROW(fixture.search(0, {.stop = &stop}), embedless::base::Stopped);
}

}  // namespace
