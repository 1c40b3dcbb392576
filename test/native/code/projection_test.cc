// Projections: what they lose of inner products, against double arithmetic.

#include "code/projection.h"

#include <gtest/gtest.h>

#include <cmath>

#include "code/synthetic.h"

namespace embedless::code {
namespace {

using synthetic::dot;
using synthetic::Source;

constexpr std::size_t dims = 30;
constexpr std::size_t count = 600;

/// Passages whose variance lies in the leading dims, and queries that look in every third dim only.
std::vector<float> passages() {
  std::vector<float> vectors = Source(dims, 1).vectors(count);
  return vectors;
}

std::vector<float> sparse_queries(std::size_t number, std::uint32_t seed) {
  std::vector<float> queries = Source(dims, seed, 0).vectors(number);
  for (std::size_t i = 0; i < queries.size(); ++i) {
    if (i % dims % 3 != 0) queries[i] *= 0.05f;
  }
  return queries;
}

Pca components_of(const std::vector<float>& vectors, std::size_t components) {
  return principal_components([&](std::size_t index, float* out) { std::copy_n(&vectors[index * dims], dims, out); },
                              {.count = vectors.size() / dims, .dims = dims, .components = components, .seed = 1});
}

/// Mean of (<q, x> - <A q, B x>)^2 over queries and centred passages.
double loss(const Sides& sides, std::size_t projected, const Pca& pca, const std::vector<float>& vectors,
            const std::vector<float>& queries) {
  const std::vector<float>& query_side = sides.query.empty() ? sides.passage : sides.query;
  double sum = 0;
  for (std::size_t n = 0; n < vectors.size(); n += 7 * dims) {
    std::vector<float> x(&vectors[n], &vectors[n] + dims);
    for (std::size_t j = 0; j < dims; ++j) x[j] -= pca.mean[j];
    for (std::size_t q = 0; q < queries.size(); q += dims) {
      double product = 0;
      for (std::size_t i = 0; i < projected; ++i) {
        product += dot(&query_side[i * dims], &queries[q], dims) * dot(&sides.passage[i * dims], x.data(), dims);
      }
      sum += std::pow(dot(&queries[q], x.data(), dims) - product, 2);
    }
  }
  return sum;
}

TEST(Projection, PcaSidesSpanTheLeadingDirections) {
  const std::vector<float> vectors = passages();
  const Pca pca = components_of(vectors, 10);
  const Sides sides = pca_sides(pca, {.dims = dims, .projected = 10, .seed = 3});
  EXPECT_TRUE(sides.query.empty());
  for (std::size_t i = 0; i < 10; ++i) {
    double inside = 0;
    for (std::size_t j = 0; j < 10; ++j) {
      EXPECT_NEAR(dot(&sides.passage[i * dims], &sides.passage[j * dims], dims), i == j ? 1 : 0, 1e-5);
      inside += std::pow(dot(&sides.passage[i * dims], &pca.directions[j * dims], dims), 2);
    }
    EXPECT_NEAR(inside, 1, 1e-4);
  }
}

TEST(Projection, TheRotationSpreadsTheVariance) {
  const std::vector<float> vectors = passages();
  const Pca pca = components_of(vectors, 20);
  const Sides sides = pca_sides(pca, {.dims = dims, .projected = 20, .seed = 3});
  double largest = 0;
  double total = 0;
  for (std::size_t i = 0; i < 20; ++i) {
    double variance = 0;
    for (std::size_t j = 0; j < 20; ++j) {
      variance += pca.variances[j] * std::pow(dot(&sides.passage[i * dims], &pca.directions[j * dims], dims), 2);
    }
    largest = std::max(largest, variance);
    total += variance;
  }
  EXPECT_LT(largest / total, 0.6 * pca.variances[0] / total);
}

TEST(Projection, OodSidesAreEachOthersInverse) {
  const std::vector<float> vectors = passages();
  const Pca pca = components_of(vectors, dims);
  const Sides sides = ood_sides(pca, sparse_queries(80, 4), {.dims = dims, .projected = 12, .seed = 3});
  for (std::size_t i = 0; i < 12; ++i) {
    for (std::size_t j = 0; j < 12; ++j) {
      EXPECT_NEAR(dot(&sides.query[i * dims], &sides.passage[j * dims], dims), i == j ? 1 : 0, 1e-4);
    }
  }
}

TEST(Projection, OodLosesLessThanPcaOnSuchQueries) {
  const std::vector<float> vectors = passages();
  const Pca pca = components_of(vectors, dims);
  const std::vector<float> fitted = sparse_queries(100, 5);
  const std::vector<float> others = sparse_queries(100, 6);
  const ProjectionOptions options{.dims = dims, .projected = 10, .seed = 3};
  const double by_pca = loss(pca_sides(pca, options), 10, pca, vectors, others);
  EXPECT_LT(loss(ood_sides(pca, fitted, options), 10, pca, vectors, others), 0.6 * by_pca);
  // A handful of queries does no harm.
  const std::vector<float> few(fitted.begin(), fitted.begin() + 5 * dims);
  EXPECT_LT(loss(ood_sides(pca, few, options), 10, pca, vectors, others), 1.1 * by_pca);
}

TEST(Projection, OfAsManyNumbersAsDimsLosesNothing) {
  const std::vector<float> vectors = passages();
  const Pca pca = components_of(vectors, dims);
  const std::vector<float> queries = Source(dims, 7).vectors(20);
  const ProjectionOptions options{.dims = dims, .projected = dims, .seed = 3};
  double size = 0;
  for (std::size_t n = 0; n < vectors.size(); n += 7 * dims) {
    for (std::size_t q = 0; q < queries.size(); q += dims) size += std::pow(dot(&queries[q], &vectors[n], dims), 2);
  }
  EXPECT_LT(loss(pca_sides(pca, options), dims, pca, vectors, queries), 1e-8 * size);
  EXPECT_LT(loss(ood_sides(pca, sparse_queries(50, 8), options), dims, pca, vectors, queries), 1e-6 * size);
}

TEST(Projection, QueriesWithoutAnyDirectionAreAsGoodAsNone) {
  const Pca pca = components_of(passages(), dims);
  const std::vector<float> zeros(3 * dims, 0.0f);
  const Sides sides = ood_sides(pca, zeros, {.dims = dims, .projected = 5, .seed = 3});
  for (const float value : sides.query) EXPECT_TRUE(std::isfinite(value));
  for (const float value : sides.passage) EXPECT_TRUE(std::isfinite(value));
}

TEST(ProjectionConcurrency, ThreadsChangeNothingAndAStopFlagStops) {
  const Pca pca = components_of(passages(), dims);
  const std::vector<float> queries = sparse_queries(40, 9);
  ProjectionOptions options{.dims = dims, .projected = 11, .seed = 3};
  const Sides one = ood_sides(pca, queries, options);
  options.threads = 4;
  const Sides four = ood_sides(pca, queries, options);
  EXPECT_EQ(one.passage, four.passage);
  EXPECT_EQ(one.query, four.query);
  base::StopFlag stop;
  stop.stop();
  options.stop = &stop;
  EXPECT_EQ(synthetic::error_code([&] { ood_sides(pca, queries, options); }), "ABORTED");
  EXPECT_EQ(synthetic::error_code([&] { pca_sides(pca, options); }), "ABORTED");
}

}  // namespace
}  // namespace embedless::code
