// Training, encoding and estimating where the usual assumptions fail: few or equal vectors, one dim, thousands of dims,
// norms over many magnitudes.

#include <gtest/gtest.h>

#include <cmath>

#include "code/encoder.h"
#include "code/estimator.h"
#include "code/synthetic.h"

namespace embedless::code {
namespace {

using synthetic::dot;
using synthetic::Source;

// Scores below it are zero in float32.
constexpr double underflow = 1e-37;

constexpr base::Metric metrics[] = {base::Metric::cosine, base::Metric::ip, base::Metric::l2};

double exact_score(base::Metric metric, const float* q, const float* x, std::size_t dims) {
  if (metric != base::Metric::l2) return dot(q, x, dims);
  double sum = 0;
  for (std::size_t i = 0; i < dims; ++i) sum += std::pow(static_cast<double>(q[i]) - x[i], 2);
  return -sum;
}

/// Trains on `base`, encodes `added`, saves and loads between, and expects every estimate for every query to be finite
/// and within the residual bound (1 / rho sigmas, which is certain) plus rounding.
void expect_sound(base::Metric metric, std::size_t dims, std::size_t bytes, const std::vector<float>& base,
                  std::vector<float> added, std::vector<float> queries) {
  const auto trained = Codebook::train(base, {.dims = dims, .metric = metric, .bytes = bytes, .threads = 2});
  const auto codebook = Codebook::load(trained->save());
  const Encoded encoded = encode(*codebook, added);
  if (metric == base::Metric::cosine) {
    added = synthetic::normalised(added, dims);
    queries = synthetic::normalised(queries, dims);
  }
  for (std::size_t i = 0; i < queries.size() / dims; ++i) {
    const float* q = &queries[i * dims];
    const Estimator estimator(*codebook, {q, dims});
    ASSERT_TRUE(std::isfinite(estimator.scan_query().sum_step) && std::isfinite(estimator.scan_query().sum_offset));
    std::size_t used = 0;
    for (std::size_t n = 0; n < added.size() / dims; ++n) {
      const std::size_t first = used;
      while (used < encoded.exceptions.size() && encoded.exceptions[used].row == n) ++used;
      const std::uint8_t* row = &encoded.rows[n * codebook->row_bytes()];
      const double estimate = estimator.estimate(row, encoded.exceptions.data() + first, used - first);
      const double bound = estimator.sigma(row, encoded.exceptions.data() + first, used - first) / codebook->rho();
      const float* x = &added[n * dims];
      const double exact = exact_score(metric, q, x, dims);
      // Bytes on a range step at most 1/255 of it for s and a; float16 steps 1/2048 of the value.
      const double mean = std::sqrt(dot(codebook->mean(), codebook->mean(), dims));
      const double size = std::sqrt(dot(q, q, dims)) + std::sqrt(dot(x, x, dims)) + mean;
      ASSERT_TRUE(std::isfinite(estimate) && std::isfinite(bound));
      ASSERT_LE(std::fabs(estimate - exact), 1.1 * bound + 0.01 * size * size + underflow)
          << "vector " << n << ", query " << i;
    }
  }
}

TEST(Degenerate, AllVectorsEqual) {
  for (const base::Metric metric : metrics) {
    for (const std::size_t dims : {1, 5, 60}) {
      std::vector<float> base;
      const std::vector<float> one = Source(dims, 1).vectors(1);
      for (int n = 0; n < 40; ++n) base.insert(base.end(), one.begin(), one.end());
      const std::vector<float> queries = Source(dims, 2).vectors(5);
      expect_sound(metric, dims, 48, base, base, queries);
      expect_sound(metric, dims, 48, base, Source(dims, 3).vectors(30), queries);
    }
  }
}

TEST(Degenerate, EqualVectorsAreEstimatedExactly) {
  const std::vector<float> base(20 * 8, 0.5f);
  const std::vector<float> query = Source(8, 4).vectors(1);
  for (const base::Metric metric : {base::Metric::ip, base::Metric::l2}) {
    const auto codebook = Codebook::train(base, {.dims = 8, .metric = metric});
    const Encoded encoded = encode(*codebook, base);
    EXPECT_TRUE(encoded.exceptions.empty());
    const Estimator estimator(*codebook, query);
    EXPECT_NEAR(estimator.estimate(encoded.rows.data()), exact_score(metric, query.data(), base.data(), 8), 1e-4);
    EXPECT_EQ(estimator.sigma(encoded.rows.data()), 0);
  }
}

TEST(Degenerate, FewerVectorsThanCentroids) {
  for (const base::Metric metric : metrics) {
    for (const std::size_t count : {1, 2, 255, 256, 257}) {
      Source source(20, 5);
      const std::vector<float> base = source.vectors(count);
      expect_sound(metric, 20, 6, base, base, source.vectors(3));
      expect_sound(metric, 20, 6, base, source.vectors(40), source.vectors(3));
    }
  }
}

TEST(Degenerate, OneDim) {
  for (const base::Metric metric : metrics) {
    Source source(1, 6);
    for (const std::size_t bytes : {1, 48, 255}) {
      const auto codebook = Codebook::train(source.vectors(400), {.dims = 1, .metric = metric, .bytes = bytes});
      EXPECT_EQ(codebook->subspaces(), 1u);
    }
    expect_sound(metric, 1, 48, source.vectors(400), source.vectors(100), source.vectors(10));
  }
}

TEST(Degenerate, FewerDimsThanCodeBytes) {
  for (const base::Metric metric : metrics) {
    for (const std::size_t dims : {2, 3, 47, 48, 49}) {
      Source source(dims, 7);
      expect_sound(metric, dims, 48, source.vectors(300), source.vectors(50), source.vectors(5));
    }
  }
  const auto codebook = Codebook::train(Source(7, 7).vectors(300), {.dims = 7, .bytes = 48});
  EXPECT_EQ(codebook->subspaces(), 7u);
  EXPECT_EQ(codebook->row_bytes(), 10u);
}

TEST(Degenerate, OneAndMostCodeBytes) {
  for (const std::size_t bytes : {std::size_t{1}, max_code_bytes}) {
    Source source(300, 8);
    expect_sound(base::Metric::cosine, 300, bytes, source.vectors(300), source.vectors(30), source.vectors(3));
  }
}

TEST(Degenerate, ThousandsOfDims) {
  Source source(3072, 9);
  const std::vector<float> base = source.vectors(30);
  expect_sound(base::Metric::cosine, 3072, 48, base, source.vectors(10), source.vectors(3));
}

TEST(Degenerate, WhatTheComponentsMissCountsIntoTheError) {
  // Vectors along axes that training never saw: almost all of them lies outside the 1,024 components.
  const std::size_t dims = 1100;
  std::vector<float> base(50 * dims);
  for (std::size_t n = 0; n < 50; ++n) base[n * dims + n] = 1;
  const auto codebook = Codebook::train(base, {.dims = dims, .metric = base::Metric::l2, .bytes = 8});
  EXPECT_EQ(codebook->components(), max_components);
  std::vector<float> added = Source(dims, 10, 0.0).vectors(5);
  const Encoded encoded = encode(*codebook, added);
  for (std::size_t n = 0; n < 5; ++n) {
    // Asked for the vector itself, the bound must cover the part that no component holds.
    const std::span<const float> x(&added[n * dims], dims);
    std::vector<FactorException> own;
    for (const auto& exception : encoded.exceptions) {
      if (exception.row == n) own.push_back(exception);
    }
    const std::uint8_t* row = &encoded.rows[n * codebook->row_bytes()];
    const Estimator estimator(*codebook, x);
    const double miss = std::fabs(estimator.estimate(row, own.data(), own.size()));
    EXPECT_GT(miss, 0.01 * dot(x.data(), x.data(), dims));
    EXPECT_LE(miss, 1.05 * estimator.sigma(row, own.data(), own.size()) / codebook->rho());
  }
}

TEST(Degenerate, NormsOverSixMagnitudes) {
  for (const base::Metric metric : {base::Metric::ip, base::Metric::l2}) {
    Source source(32, 11);
    const std::vector<float> base = source.vectors_of_norms(800, 1e-3, 1e3);
    expect_sound(metric, 32, 8, base, base, source.vectors_of_norms(10, 1e-3, 1e3));
    for (const double norm : {1e-3, 1.0, 1e3}) {
      const std::vector<float> even = source.vectors(400, norm);
      expect_sound(metric, 32, 8, even, source.vectors_of_norms(100, 1e-3, 1e3), source.vectors(5, norm));
      // Vectors like those of the training fit the stored form.
      const auto codebook = Codebook::train(even, {.dims = 32, .metric = metric, .bytes = 8});
      EXPECT_LE(encode(*codebook, even).exceptions.size(), 4u) << "norm " << norm;
    }
  }
}

TEST(Degenerate, ExtremeNormsStayFinite) {
  Source source(16, 12);
  for (const double norm : {1e-30, 1e-12, 1e12, 1e14}) {
    const std::vector<float> base = source.vectors(300, norm);
    for (const base::Metric metric : {base::Metric::ip, base::Metric::l2}) {
      expect_sound(metric, 16, 5, base, source.vectors(20, norm), source.vectors(3, norm));
      expect_sound(metric, 16, 5, source.vectors(300), source.vectors(20, norm), source.vectors(3, norm));
      expect_sound(metric, 16, 5, base, source.vectors(20), source.vectors(3));
    }
    expect_sound(base::Metric::cosine, 16, 5, base, source.vectors(20), source.vectors(3, norm));
  }
}

TEST(Degenerate, ZeroVectors) {
  std::vector<float> base = Source(8, 13).vectors(100);
  for (std::size_t n = 0; n < 100; n += 10) std::fill_n(&base[n * 8], 8, 0.0f);
  const std::vector<float> queries = Source(8, 14).vectors(3);
  EXPECT_EQ(synthetic::error_code([&] { Codebook::train(base, {.dims = 8}); }), "INVALID_VECTOR");
  for (const base::Metric metric : {base::Metric::ip, base::Metric::l2}) {
    expect_sound(metric, 8, 4, base, base, queries);
    expect_sound(metric, 8, 4, std::vector<float>(80), base, queries);
    expect_sound(metric, 8, 4, base, base, std::vector<float>(8));
  }
}

TEST(Degenerate, UnseenDirectionsStillHaveABound) {
  // Trained where only two of 20 dims vary; the others have no centroid but zero.
  std::vector<float> base(300 * 20, 0.1f);
  const std::vector<float> noise = Source(2, 15).vectors(300);
  for (std::size_t n = 0; n < 300; ++n) {
    base[n * 20] = noise[n * 2];
    base[n * 20 + 1] = noise[n * 2 + 1];
  }
  for (const base::Metric metric : metrics)
    expect_sound(metric, 20, 4, base, Source(20, 16).vectors(100), Source(20, 17).vectors(5));
}

}  // namespace
}  // namespace embedless::code
