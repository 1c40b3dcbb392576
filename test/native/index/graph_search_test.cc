// Walks over the rows of a store: the same answers whatever the order of rows, in the middle of growth and by many
// threads.

#include "index/graph_search.h"

#include <gtest/gtest.h>

#include <numeric>
#include <thread>

#include "base/error.h"
#include "base/random.h"
#include "graph/build.h"
#include "index/code_distances.h"
#include "index/corpus.h"
#include "index/node_vectors.h"
#include "index/search_session.h"
#include "index/walk_ranker.h"

namespace {

using namespace embedless;
using namespace embedless::index;

constexpr std::size_t count = 1000;

std::vector<float> query_of(std::uint64_t seed) { return corpus::vectors(1, static_cast<unsigned>(seed)); }

/// A store of the corpus in a plain form, published in uneven parts.
std::unique_ptr<CodeStore> store_of(std::shared_ptr<const Coder> coder, RowOrder order, const std::vector<float>& all) {
  auto store = std::make_unique<CodeStore>(std::move(coder), order);
  const std::size_t dims = store->coder()->dims();
  for (std::size_t first = 0, step = 1; first < all.size() / dims; first += step, step = step * 2 + 1) {
    const std::size_t taken = std::min(step, all.size() / dims - first);
    const auto rows = store->coder()->encode(std::span(all).subspan(first * dims, taken * dims), nullptr);
    store->publish({.rows = rows.rows, .exceptions = rows.exceptions});
  }
  return store;
}

std::shared_ptr<const SearchGraph> graph_of(const CodeStore& store) {
  const NodeVectors nodes(store.snapshot(), *store.coder(), 1, nullptr);
  return std::make_shared<SearchGraph>(graph::build(nodes.vectors(), {.max_degree = 16, .build_window = 40}));
}

GraphOptions guided(std::shared_ptr<const SearchGraph> graph) {
  return {.mode = SearchMode::guided, .graph = std::move(graph), .window = 60};
}

std::vector<std::uint32_t> nodes_of(const std::vector<Candidate>& found) {
  std::vector<std::uint32_t> nodes;
  for (const Candidate& one : found) nodes.push_back(one.node);
  return nodes;
}

TEST(GraphSearch, RowsOfEveryFormAndOrderGiveTheirVectors) {
  const auto all = corpus::vectors(count, 1);
  for (const auto metric : {base::Metric::cosine, base::Metric::ip, base::Metric::l2}) {
    for (const auto form : {code::VectorForm::float32, code::VectorForm::float16, code::VectorForm::lvq8}) {
      const auto coder = vector_coder(form, corpus::dims, metric);
      const auto scan = store_of(coder, RowOrder::scan, all), walk = store_of(coder, RowOrder::walk, all);
      std::vector<std::uint8_t> one(coder->layout().row_bytes), other(one.size());
      for (std::uint32_t node = 0; node < count; node += 37) {
        scan->snapshot()->read_row(node, one.data());
        walk->snapshot()->read_row(node, other.data());
        EXPECT_EQ(one, other);
      }
      const auto graph = graph_of(*scan);
      for (std::uint64_t seed = 20; seed < 25; ++seed) {
        const auto query = query_of(seed);
        const auto a = nearest(scan->snapshot(), *coder, query, 5, guided(graph), nullptr);
        const auto b = nearest(walk->snapshot(), *coder, query, 5, guided(graph), nullptr);
        EXPECT_EQ(nodes_of(a), nodes_of(b));
      }
    }
  }
}

TEST(GraphSearch, FactorsGrowWithTheStore) {
  const auto all = corpus::vectors(count, 2);
  const auto coder = vector_coder(code::VectorForm::float16, corpus::dims, base::Metric::l2);
  CodeStore store(coder, RowOrder::walk);
  std::shared_ptr<const RandomAccess::Factors> before;
  for (const std::size_t end : {1u, 64u, 65u, 500u, 1000u}) {
    const std::size_t first = store.snapshot()->count();
    const auto rows =
        coder->encode(std::span(all).subspan(first * corpus::dims, (end - first) * corpus::dims), nullptr);
    store.publish({.rows = rows.rows});
    const auto snapshot = store.snapshot();
    const auto factors =
        snapshot->random_access().factors(*snapshot, graph::RowForm::float16, corpus::dims, coder->metric(), nullptr);
    ASSERT_EQ(factors->values.size(), end);
    for (std::size_t i = 0; before != nullptr && i < before->values.size(); ++i) {
      EXPECT_EQ(factors->values[i], before->values[i]);
    }
    before = factors;
  }
  const std::vector<std::uint32_t> dead = {3};
  store.publish({.dead = dead});
  const auto snapshot = store.snapshot();
  EXPECT_EQ(snapshot->random_access().factors_so_far(), before);
  EXPECT_EQ(snapshot->random_access().live(*snapshot)[0], ~std::uint64_t{8});
}

TEST(GraphSearch, AScanFromSomeNodeOnLeavesOutThoseBefore) {
  const auto all = corpus::vectors(9000, 3);
  const auto coder = vector_coder(code::VectorForm::int8, corpus::dims, base::Metric::ip);
  const auto store = store_of(coder, RowOrder::scan, all);
  const auto scorer = coder->prepare(query_of(9));
  for (const std::size_t first : {0u, 1u, 63u, 64u, 4095u, 4096u, 4097u, 8999u, 9000u, 9001u}) {
    const ScanResult found = scan(*store->snapshot(), *scorer, {.pool = 10'000, .first = first});
    const std::size_t expected = first < 9000 ? 9000 - first : 0;
    EXPECT_EQ(found.best.size(), expected);
    EXPECT_EQ(found.scanned, expected);
    for (const Candidate& one : found.best) EXPECT_GE(one.node, first);
  }
}

TEST(GraphSearch, AGraphOfMoreNodesIsRefused) {
  const auto coder = vector_coder(code::VectorForm::float32, corpus::dims, base::Metric::ip);
  const auto store = store_of(coder, RowOrder::walk, corpus::vectors(200, 4));
  const auto small = store_of(coder, RowOrder::walk, corpus::vectors(100, 4));
  const auto graph = graph_of(*store);
  EXPECT_THROW(nearest(small->snapshot(), *coder, query_of(5), 5, guided(graph), nullptr), base::Error);
}

TEST(GraphSearchConcurrency, WalksWhileTheStoreGrows) {
  const auto all = corpus::vectors(2000, 6);
  const auto coder = vector_coder(code::VectorForm::float16, corpus::dims, base::Metric::cosine);
  CodeStore store(coder, RowOrder::walk);
  const auto rows = coder->encode(all, nullptr);
  const std::size_t row = coder->layout().row_bytes;
  store.publish({.rows = std::span(rows.rows).first(500 * row)});
  const auto graph = graph_of(store);
  std::vector<std::thread> readers;
  for (std::uint64_t reader = 0; reader < 3; ++reader) {
    readers.emplace_back([&, reader] {
      for (std::uint64_t round = 0; round < 60; ++round) {
        const auto snapshot = store.snapshot();
        const auto found = nearest(snapshot, *coder, query_of(100 * reader + round), 10, guided(graph), nullptr);
        EXPECT_EQ(found.size(), 10u);
        for (const Candidate& one : found) EXPECT_LT(one.node, snapshot->count());
      }
    });
  }
  for (std::size_t first = 500; first < 2000; first += 50) {
    const std::vector<std::uint32_t> dead = {static_cast<std::uint32_t>(first / 3)};
    store.publish({.rows = std::span(rows.rows).subspan(first * row, 50 * row), .dead = dead});
  }
  for (std::thread& reader : readers) reader.join();
}

TEST(WalkRanker, WithoutAWalkAsksForTheOthersAlone) {
  std::vector<std::uint32_t> others(150);
  std::iota(others.begin(), others.end(), 7u);
  WalkRanker ranker(nullptr, others, 3, 1000);
  std::size_t rounds = 0;
  while (!ranker.done()) {
    ++rounds;
    const auto wants = ranker.wants();
    std::vector<double> scores;
    for (const std::uint32_t node : wants) scores.push_back(node % 50);
    ranker.feed(wants, scores, {});
  }
  EXPECT_EQ(rounds, 3u);
  EXPECT_EQ(ranker.recomputed(), 150u);
  EXPECT_FALSE(ranker.capped());
  const auto answers = ranker.answers();
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_EQ(answers[0].node, 49u);
  EXPECT_EQ(answers[1].node, 99u);
  EXPECT_EQ(answers[2].node, 149u);
  EXPECT_EQ(answers[0].score, 49.0);
}

TEST(WalkRanker, RefusesWhatItDidNotAskFor) {
  WalkRanker ranker(nullptr, {1, 2, 3}, 3, 1000);
  const std::vector<std::uint32_t> one = {1}, twice = {2, 2}, foreign = {4};
  const std::vector<double> score = {0.5}, scores = {0.5, 0.6};
  EXPECT_THROW(ranker.feed(foreign, score, {}), base::Error);
  EXPECT_THROW(ranker.feed(twice, scores, {}), base::Error);
  EXPECT_THROW(ranker.feed(one, scores, {}), base::Error);
  EXPECT_THROW(ranker.feed(one, score, one), base::Error);
  EXPECT_EQ(ranker.recomputed(), 0u);
  ranker.feed(one, score, {});
  EXPECT_THROW(ranker.feed(one, score, {}), base::Error);
  EXPECT_EQ(ranker.wants(), (std::vector<std::uint32_t>{2, 3}));
}

}  // namespace
