// Graphs that grow and shrink find what a fresh one finds.

#include <gtest/gtest.h>

#include "base/error.h"
#include "graph/build.h"
#include "graph/repair.h"
#include "graph/space.h"

namespace {

using namespace space;
using graph::Graph;

double mean_recall(const Graph& built, const graph::Vectors& on, const std::vector<float>& all,
                   const std::vector<std::uint64_t>& live = {}) {
  graph::Walker walker;
  graph::Query query;
  const auto queries = vectors(60, 51);
  double sum = 0;
  for (std::size_t q = 0; q < 60; ++q) {
    on.prepare(&queries[q * dims], query);
    const auto found = built.search(on, query, {.window = 40, .allowed = live}, walker);
    sum += recall(nearest(Metric::l2, all, &queries[q * dims], 10, live), found);
  }
  return sum / 60;
}

template <class Build, class Extend>
void expect_growth(Build build, Extend extend) {
  const auto all = vectors(2000, 50);
  const std::vector<float> part(all.begin(), all.begin() + 1200 * dims);
  const Rows some(RowForm::float32, Metric::l2, part);
  const Rows rows(RowForm::float32, Metric::l2, all);
  const Graph fresh = build(*rows.vectors, 1u);
  const Graph half = build(*some.vectors, 1u);
  const Graph grown = extend(half, *rows.vectors, 1u);
  EXPECT_EQ(grown.lists->count(), 2000u);
  EXPECT_GT(mean_recall(grown, *rows.vectors, all), mean_recall(fresh, *rows.vectors, all) - 0.02);
  const Graph other = extend(half, *rows.vectors, 3u);
  EXPECT_EQ(lists_of(*grown.lists), lists_of(*other.lists));
  ASSERT_EQ(grown.layers.size(), other.layers.size());
  for (std::size_t i = 0; i < grown.layers.size(); ++i) {
    EXPECT_GT(grown.layers[i].members.size(), half.layers[i].members.size());
    EXPECT_EQ(lists_of(*grown.layers[i].lists), lists_of(*other.layers[i].lists));
  }
}

TEST(Growth, Vamana) {
  expect_growth(
      [](const graph::Vectors& on, unsigned threads) {
        return build_vamana(on, {.max_degree = 16, .build_window = 60}, {.threads = threads});
      },
      [](const Graph& graph, const graph::Vectors& on, unsigned threads) {
        return extend(graph, on, {.threads = threads});
      });
}

TEST(Growth, Hnsw) {
  expect_growth([](const graph::Vectors& on,
                   unsigned threads) { return build_hnsw(on, {.m = 8, .ef_construction = 60}, {.threads = threads}); },
                [](const Graph& graph, const graph::Vectors& on, unsigned threads) {
                  return extend(graph, on, {.threads = threads});
                });
}

std::vector<std::uint64_t> every_node_but(std::size_t count, std::uint64_t one_in) {
  std::vector<std::uint64_t> live((count + 63) / 64);
  for (std::uint32_t node = 0; node < count; ++node) {
    if (node % one_in != 0) live[node / 64] |= std::uint64_t{1} << (node % 64);
  }
  return live;
}

TEST(Repair, LeavesNoEdgeToTheDeadAndFindsTheLiving) {
  const auto all = vectors(2000, 52);
  const Rows rows(RowForm::float32, Metric::l2, all);
  for (const Graph& built : {build_vamana(*rows.vectors, {.max_degree = 16, .build_window = 60}),
                             build_hnsw(*rows.vectors, {.m = 8, .ef_construction = 60})}) {
    auto live = every_node_but(2000, 4);
    live[built.entry / 64] &= ~(std::uint64_t{1} << (built.entry % 64));
    const Graph repaired = repair(built, *rows.vectors, live, {.threads = 2});
    const auto is_live = [&](std::uint32_t node) { return ((live[node / 64] >> (node % 64)) & 1u) != 0; };
    EXPECT_TRUE(is_live(repaired.entry));
    for (std::uint32_t node = 0; node < 2000; ++node) {
      const auto list = list_of(*repaired.lists, node);
      EXPECT_TRUE(is_live(node) || list.empty());
      for (const std::uint32_t neighbor : list) EXPECT_TRUE(is_live(neighbor));
    }
    EXPECT_GT(mean_recall(repaired, *rows.vectors, all, live), mean_recall(built, *rows.vectors, all, live) - 0.02);

    // Numbered anew over the living alone.
    std::vector<std::uint32_t> numbers(2000, graph::no_node);
    std::vector<float> rest;
    std::uint32_t count = 0;
    for (std::uint32_t node = 0; node < 2000; ++node) {
      if (!is_live(node)) continue;
      numbers[node] = count++;
      rest.insert(rest.end(), &all[node * dims], &all[node * dims] + dims);
    }
    const Rows fewer(RowForm::float32, Metric::l2, rest);
    const Graph compact = renumber(repaired, numbers);
    EXPECT_EQ(compact.lists->count(), count);
    EXPECT_GT(mean_recall(compact, *fewer.vectors, rest), 0.95);
  }
}

TEST(Repair, TenRoundsOfReplacingATenthCostNoRecall) {
  const std::size_t count = 2000;
  auto all = vectors(count, 53);
  Graph graph = build_vamana(*Rows(RowForm::float32, Metric::l2, all).vectors, {.max_degree = 16, .build_window = 60});
  for (std::uint64_t round = 0; round < 10; ++round) {
    std::vector<std::uint64_t> live((count + 63) / 64);
    std::vector<std::uint32_t> numbers(count, graph::no_node);
    std::vector<float> next;
    std::uint32_t kept = 0;
    for (std::uint32_t node = 0; node < count; ++node) {
      if (node % 10 == round % 10) continue;
      live[node / 64] |= std::uint64_t{1} << (node % 64);
      numbers[node] = kept++;
      next.insert(next.end(), &all[node * dims], &all[node * dims] + dims);
    }
    const Rows before(RowForm::float32, Metric::l2, all);
    graph = renumber(repair(graph, *before.vectors, live), numbers);
    const auto fresh = vectors(count - kept, 60 + round);
    next.insert(next.end(), fresh.begin(), fresh.end());
    all = next;
    graph = extend(graph, *Rows(RowForm::float32, Metric::l2, all).vectors);
  }
  const Rows rows(RowForm::float32, Metric::l2, all);
  const Graph anew = build_vamana(*rows.vectors, {.max_degree = 16, .build_window = 60});
  EXPECT_GT(mean_recall(graph, *rows.vectors, all), mean_recall(anew, *rows.vectors, all) - 0.01);
}

/// The rows of the dead are zeros, as a store without their vectors has them: far nearer to all than the living are to
/// each other, had anyone looked.
TEST(Growth, LinksTheLivingAloneAndLooksAtNoDeadVector) {
  for (const graph::Kind kind : {graph::Kind::vamana, graph::Kind::hnsw}) {
    for (const std::size_t part : {1200u, 2000u}) {
      auto all = vectors(2000, 50);
      std::vector<std::uint64_t> live(2000 / 64 + 1);
      for (std::uint32_t node = 0; node < 2000; ++node) {
        if (node % 3 == 0 || (node >= 700 && node < 1300)) {
          std::fill_n(&all[node * dims], dims, 0.0f);
        } else {
          live[node / 64] |= std::uint64_t{1} << (node % 64);
        }
      }
      const graph::Recipe recipe{.kind = kind, .max_degree = 16, .build_window = 50, .m = 8, .ef_construction = 50};
      const std::vector<float> first(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(part * dims));
      const Rows some(RowForm::float32, Metric::l2, first);
      const Rows rows(RowForm::float32, Metric::l2, all);
      Graph built = graph::build(*some.vectors, recipe, {}, live);
      built = graph::extend(built, *rows.vectors, {}, live);
      ASSERT_EQ(built.lists->count(), 2000u);
      const auto lists = lists_of(*built.lists);
      for (std::uint32_t node = 0; node < 2000; ++node) {
        const auto is_live = [&](std::uint32_t n) { return ((live[n / 64] >> (n % 64)) & 1u) != 0; };
        EXPECT_EQ(lists[node].empty(), !is_live(node)) << node;
        for (const std::uint32_t neighbor : lists[node]) EXPECT_TRUE(is_live(neighbor));
      }
      EXPECT_GT(mean_recall(built, *rows.vectors, all, live), 0.97);
    }
  }
}

TEST(Growth, NeedsALiveNode) {
  const Rows rows(RowForm::float32, Metric::l2, vectors(3, 1));
  const std::vector<std::uint64_t> none(1);
  EXPECT_THROW(graph::build(*rows.vectors, {}, {}, none), embedless::base::Error);
}

TEST(Repair, NeedsALiveNode) {
  const auto all = vectors(100, 54);
  const Rows rows(RowForm::float32, Metric::l2, all);
  const Graph built = build_vamana(*rows.vectors, {});
  const std::vector<std::uint64_t> none(2);
  EXPECT_THROW(repair(built, *rows.vectors, none, {}), embedless::base::Error);
}

}  // namespace
