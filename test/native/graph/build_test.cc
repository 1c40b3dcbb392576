// Vamana and HNSW: the same graph for any number of threads, and one that finds what it should.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <set>
#include <thread>

#include "base/error.h"
#include "graph/hnsw.h"
#include "graph/space.h"
#include "graph/vamana.h"

namespace {

using namespace space;
using graph::Graph;

double mean_recall(const Graph& built, const graph::Vectors& on, Metric metric, const std::vector<float>& all,
                   std::vector<float> queries, std::size_t window) {
  graph::Walker walker;
  graph::Query query;
  double sum = 0;
  const std::size_t count = queries.size() / dims;
  if (metric == Metric::cosine) normalise(queries);
  for (std::size_t q = 0; q < count; ++q) {
    on.prepare(&queries[q * dims], query);
    sum += recall(nearest(metric, all, &queries[q * dims], 10), built.search(on, query, {.window = window}, walker));
  }
  return sum / static_cast<double>(count);
}

void expect_sound(const graph::Adjacency& lists, std::size_t degree) {
  for (std::uint32_t node = 0; node < lists.count(); ++node) {
    const auto list = list_of(lists, node);
    EXPECT_LE(list.size(), degree);
    const std::set<std::uint32_t> distinct(list.begin(), list.end());
    EXPECT_EQ(distinct.size(), list.size());
    EXPECT_FALSE(distinct.contains(node));
    EXPECT_TRUE(distinct.empty() || *distinct.rbegin() < lists.count());
  }
}

TEST(Vamana, SameGraphForAnyNumberOfThreads) {
  const auto all = vectors(1500, 10);
  for (const Metric metric : metrics) {
    for (const RowForm form : forms) {
      const Rows rows(form, metric, all);
      std::vector<std::vector<std::vector<std::uint32_t>>> built;
      for (const unsigned threads : {1u, 2u, 3u}) {
        const Graph made = build_vamana(*rows.vectors, {.max_degree = 12, .build_window = 30}, {.threads = threads});
        expect_sound(*made.lists, 12);
        built.push_back(lists_of(*made.lists));
      }
      EXPECT_EQ(built[0], built[1]);
      EXPECT_EQ(built[0], built[2]);
    }
  }
}

TEST(Hnsw, SameGraphForAnyNumberOfThreads) {
  const auto all = vectors(1500, 11);
  for (const Metric metric : metrics) {
    const Rows rows(RowForm::float32, metric, all);
    const Graph one = build_hnsw(*rows.vectors, {.m = 6, .ef_construction = 40}, {.threads = 1});
    ASSERT_GE(one.layers.size(), 2u);
    expect_sound(*one.lists, 12);
    for (const unsigned threads : {2u, 3u}) {
      const Graph other = build_hnsw(*rows.vectors, {.m = 6, .ef_construction = 40}, {.threads = threads});
      EXPECT_EQ(other.entry, one.entry);
      EXPECT_EQ(lists_of(*other.lists), lists_of(*one.lists));
      ASSERT_EQ(other.layers.size(), one.layers.size());
      for (std::size_t i = 0; i < one.layers.size(); ++i) {
        EXPECT_EQ(other.layers[i].members, one.layers[i].members);
        EXPECT_EQ(lists_of(*other.layers[i].lists), lists_of(*one.layers[i].lists));
        expect_sound(*one.layers[i].lists, 6);
      }
    }
  }
}

TEST(Graphs, FindTheNearest) {
  const auto all = vectors(2000, 12);
  const auto queries = vectors(60, 13);
  for (const Metric metric : metrics) {
    for (const RowForm form : forms) {
      const Rows rows(form, metric, all);
      const Graph vamana = build_vamana(*rows.vectors, {.max_degree = 16, .build_window = 60}, {.threads = 2});
      const Graph hnsw = build_hnsw(*rows.vectors, {.m = 8, .ef_construction = 60}, {.threads = 2});
      const double least = form == RowForm::lvq8 ? 0.9 : 0.93;
      EXPECT_GT(mean_recall(vamana, *rows.vectors, metric, all, queries, 100), least)
          << static_cast<int>(form) << static_cast<int>(metric);
      EXPECT_GT(mean_recall(hnsw, *rows.vectors, metric, all, queries, 100), least)
          << static_cast<int>(form) << static_cast<int>(metric);
    }
  }
}

TEST(Vamana, MoreSlackNeverLowersTheDegree) {
  const auto all = vectors(1500, 14);
  for (const Metric metric : metrics) {
    const Rows rows(RowForm::float32, metric, all);
    double before = 0;
    const std::vector<float> slacks =
        metric == Metric::ip ? std::vector<float>{1.0f, 0.97f, 0.9f, 0.8f} : std::vector<float>{1.0f, 1.1f, 1.2f, 1.4f};
    for (const float alpha : slacks) {
      const Graph built = build_vamana(*rows.vectors, {.alpha = alpha, .max_degree = 40, .build_window = 60});
      const double degree = mean_degree(*built.lists);
      EXPECT_GE(degree, before) << static_cast<int>(metric) << " " << alpha;
      before = degree;
    }
  }
}

TEST(Graphs, OfFewNodes) {
  for (const std::size_t count : {1u, 2u, 3u, 5u, 64u, 65u}) {
    const auto all = vectors(count, 15);
    const Rows rows(RowForm::float32, Metric::l2, all);
    for (const Graph& built :
         {build_vamana(*rows.vectors, {}, {.threads = 2}), build_hnsw(*rows.vectors, {.m = 2}, {.threads = 2})}) {
      EXPECT_EQ(mean_recall(built, *rows.vectors, Metric::l2, all, vectors(5, 16), 100), 1.0) << count;
    }
  }
}

TEST(Graphs, OfEqualVectors) {
  std::vector<float> all;
  for (std::size_t i = 0; i < 300; ++i) all.insert(all.end(), dims, 0.25f);
  const Rows rows(RowForm::float32, Metric::cosine, all);
  for (const Graph& built : {build_vamana(*rows.vectors, {.max_degree = 8}), build_hnsw(*rows.vectors, {.m = 4})}) {
    graph::Walker walker;
    graph::Query query;
    std::vector<float> vector(all.begin(), all.begin() + dims);
    normalise(vector);
    rows.vectors->prepare(vector.data(), query);
    EXPECT_GE(built.search(*rows.vectors, query, {.window = 10}, walker).size(), 1u);
  }
}

TEST(Graphs, CountWhatTheyLinked) {
  const auto all = vectors(700, 17);
  const Rows rows(RowForm::float32, Metric::l2, all);
  graph::Progress linked;
  build_vamana(*rows.vectors, {.passes = 2}, {.progress = &linked});
  EXPECT_EQ(linked.done, 1400u);
  EXPECT_EQ(linked.total, 1400u);
  graph::Progress of_hnsw;
  const Graph hnsw = build_hnsw(*rows.vectors, {.m = 4}, {.progress = &of_hnsw});
  std::size_t expected = 700;
  for (const auto& layer : hnsw.layers) expected += layer.members.size();
  EXPECT_EQ(of_hnsw.done, expected);
  EXPECT_EQ(of_hnsw.total, expected);
}

TEST(GraphsConcurrency, StopWhenTold) {
  const auto all = vectors(6000, 18);
  const Rows rows(RowForm::float32, Metric::l2, all);
  for (const bool vamana : {true, false}) {
    embedless::base::StopFlag stop;
    graph::Progress linked;
    auto build = std::async(std::launch::async, [&] {
      if (vamana)
        build_vamana(*rows.vectors, {.build_window = 400}, {.threads = 2, .progress = &linked, .stop = &stop});
      else
        build_hnsw(*rows.vectors, {.ef_construction = 800}, {.threads = 2, .progress = &linked, .stop = &stop});
    });
    while (linked.done < 32) std::this_thread::yield();
    stop.stop();
    EXPECT_THROW(build.get(), embedless::base::Stopped);
  }
}

}  // namespace
