// Whole searches: scan, rerank and exact scores together, against the exact answer.

#include "index/search_session.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "index/corpus.h"
#include "index/score.h"

namespace {

using corpus::dims;
using corpus::Metric;
using embedless::index::score;
using embedless::index::SearchSession;

/// Feeds a session from the vectors of all nodes until it is done.
void feed_all(SearchSession& session, const std::vector<float>& vectors) {
  while (!session.ranker().done()) {
    const auto wants = session.ranker().wants();
    std::vector<float> rows;
    for (const std::uint32_t node : wants) {
      rows.insert(rows.end(), &vectors[node * dims], &vectors[node * dims] + dims);
    }
    session.feed(wants, rows, {});
  }
}

TEST(SearchSession, WithAWideBoundItFindsTheExactAnswer) {
  for (const auto& coder : corpus::coders()) {
    const auto vectors = corpus::vectors(2000, 40);
    const auto encoded = coder->encode(vectors, nullptr);
    corpus::CodeStore store(coder);
    store.publish({.rows = encoded.rows, .exceptions = encoded.exceptions, .dead = {}});
    for (unsigned seed = 50; seed < 60; ++seed) {
      const auto query = corpus::vectors(1, seed);
      auto session = SearchSession::start(store.snapshot(), *coder, query,
                                          {.rerank = {.k = 10, .recall = 1, .cap = 2000}, .pool = 2000});
      EXPECT_EQ(session.scanned(), 2000u);
      feed_all(session, vectors);
      std::vector<std::pair<double, std::uint32_t>> exact;
      for (std::uint32_t node = 0; node < 2000; ++node) {
        exact.emplace_back(-score(coder->metric(), query.data(), &vectors[node * dims], dims), node);
      }
      std::ranges::sort(exact);
      const auto answers = session.ranker().answers();
      ASSERT_EQ(answers.size(), 10u);
      for (std::size_t i = 0; i < 10; ++i) {
        EXPECT_EQ(answers[i].node, exact[i].second) << coder->kind();
        EXPECT_EQ(answers[i].score, -exact[i].first);
      }
    }
  }
}

TEST(SearchSession, OutlivesItsStore) {
  const auto coder = corpus::codebook(Metric::cosine);
  const auto vectors = corpus::vectors(300, 41);
  const auto encoded = coder->encode(vectors, nullptr);
  auto store = std::make_unique<corpus::CodeStore>(coder);
  store->publish({.rows = encoded.rows, .exceptions = encoded.exceptions, .dead = {}});
  auto session = SearchSession::start(store->snapshot(), *coder, corpus::vectors(1, 42), {});
  store.reset();
  feed_all(session, vectors);
  EXPECT_EQ(session.ranker().answers().size(), 10u);
}

TEST(SearchSession, RefusesVectorsThatAreNone) {
  const auto coder = corpus::codebook(Metric::cosine);
  const auto vectors = corpus::vectors(100, 43);
  const auto encoded = coder->encode(vectors, nullptr);
  corpus::CodeStore store(coder);
  store.publish({.rows = encoded.rows, .exceptions = encoded.exceptions, .dead = {}});
  auto session =
      SearchSession::start(store.snapshot(), *coder, corpus::vectors(1, 44), {.rerank = {.k = 2, .recall = 0.3}});
  const auto wants = session.ranker().wants();
  ASSERT_EQ(wants.size(), 2u);
  const auto code_of = [&](std::vector<float> rows) -> std::string {
    try {
      session.feed(wants, rows, {});
    } catch (const embedless::base::Error& error) {
      return error.code;
    }
    return "none";
  };
  std::vector<float> rows(2 * dims, 1.0f);
  EXPECT_EQ(code_of(std::vector<float>(2 * dims - 1, 1.0f)), "INVALID_ARGUMENT");
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    rows[dims + 3] = bad;
    EXPECT_EQ(code_of(rows), "INVALID_VECTOR");
  }
  std::fill(rows.begin() + dims, rows.end(), 0.0f);
  EXPECT_EQ(code_of(rows), "INVALID_VECTOR");
  EXPECT_EQ(session.ranker().wants(), wants);
  EXPECT_EQ(code_of(std::vector<float>(2 * dims, 1.0f)), "none");
}

TEST(Score, IsExactInDoublePrecision) {
  const float a[] = {3, 4}, b[] = {4, 3}, tiny[] = {3e-30f, 4e-30f}, huge[] = {3e30f, 4e30f};
  EXPECT_DOUBLE_EQ(score(Metric::cosine, a, b, 2), 24.0 / 25);
  EXPECT_DOUBLE_EQ(score(Metric::ip, a, b, 2), 24);
  EXPECT_DOUBLE_EQ(score(Metric::l2, a, b, 2), -2);
  EXPECT_NEAR(score(Metric::cosine, tiny, huge, 2), 1, 1e-6);
  EXPECT_LE(score(Metric::cosine, a, a, 2), 1);
  EXPECT_FALSE(std::signbit(score(Metric::l2, a, a, 2)));
}

TEST(Score, CosineOfAZeroVectorIsRefused) {
  const float a[] = {3, 4}, zero[] = {0, 0};
  EXPECT_THROW(score(Metric::cosine, a, zero, 2), embedless::base::Error);
  EXPECT_EQ(score(Metric::ip, a, zero, 2), 0);
}

}  // namespace
