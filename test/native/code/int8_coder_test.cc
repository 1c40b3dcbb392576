#include "code/int8_coder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "code/synthetic.h"

namespace embedless::code {
namespace {

using synthetic::dot;
using synthetic::Source;

double exact_score(Metric metric, const float* q, const float* x, size_t dims) {
  if (metric != Metric::l2) return dot(q, x, dims);
  double sum = 0;
  for (size_t i = 0; i < dims; ++i) sum += std::pow(static_cast<double>(q[i]) - x[i], 2);
  return -sum;
}

class Int8ByMetric : public testing::TestWithParam<Metric> {};

TEST_P(Int8ByMetric, EstimatesWithinTheirError) {
  for (const size_t dims : {2, 7, 8, 9, 100, 384}) {
    Source source(dims, 1);
    const Int8Form form{dims, GetParam()};
    std::vector<float> vectors = source.vectors(300);
    std::vector<float> queries = source.vectors(20);
    const std::vector<uint8_t> rows = encode_int8(form, vectors);
    ASSERT_EQ(rows.size(), 300 * (8 + dims));
    if (GetParam() == Metric::cosine) {
      vectors = synthetic::normalised(vectors, dims);
      queries = synthetic::normalised(queries, dims);
    }
    size_t beyond = 0;
    for (size_t i = 0; i < 20; ++i) {
      const float* q = &queries[i * dims];
      const Int8Estimator estimator(form, {q, dims});
      for (size_t n = 0; n < 300; ++n) {
        const uint8_t* row = &rows[n * form.row_bytes()];
        const double exact = exact_score(GetParam(), q, &vectors[n * dims], dims);
        const double miss = std::fabs(estimator.estimate(row) - exact);
        const double sigma = estimator.sigma(row);
        const double rounding = 1e-5 * (1 + std::fabs(exact) + dot(q, q, dims) + dot(&vectors[n * dims], &vectors[n * dims], dims));
        ASSERT_LE(miss, sigma / estimator.rho() + rounding) << dims << " dims";
        beyond += miss > 3 * sigma + rounding;
      }
    }
    EXPECT_LE(beyond, dims <= 2 ? 0u : 60u) << dims << " dims";
  }
}

TEST_P(Int8ByMetric, DecodesCloseToTheVector) {
  const size_t dims = 30;
  const Int8Form form{dims, GetParam()};
  for (const double norm : {1e-3, 1.0, 1e3}) {
    std::vector<float> vectors = Source(dims, 2).vectors(100, norm);
    const std::vector<uint8_t> rows = encode_int8(form, vectors);
    const std::vector<float> decoded = decode_int8(form, rows);
    if (GetParam() == Metric::cosine) vectors = synthetic::normalised(vectors, dims);
    for (size_t n = 0; n < 100; ++n) {
      float error;
      std::memcpy(&error, &rows[n * form.row_bytes() + 4], sizeof error);
      const double distance = -exact_score(Metric::l2, &decoded[n * dims], &vectors[n * dims], dims);
      EXPECT_NEAR(std::sqrt(distance), error, 1e-3 * error + 1e-6 * norm);
      EXPECT_LT(error, 0.02 * std::sqrt(dot(&vectors[n * dims], &vectors[n * dims], dims)));
    }
  }
}

TEST_P(Int8ByMetric, RefusesBadInput) {
  const Int8Form form{3, GetParam()};
  const auto verdict = [&](std::vector<float> vectors) {
    return synthetic::error_code([&] { encode_int8(form, vectors); });
  };
  EXPECT_EQ(verdict({1, 2, 3, 4}), "INVALID_ARGUMENT");
  EXPECT_EQ(verdict({1, 2, NAN}), "INVALID_VECTOR");
  EXPECT_EQ(verdict({1, 2, -INFINITY}), "INVALID_VECTOR");
  EXPECT_EQ(verdict({0, 0, 0}), GetParam() == Metric::cosine ? "INVALID_VECTOR" : "");
  EXPECT_EQ(synthetic::error_code([&] { decode_int8(form, std::vector<uint8_t>(12)); }), "INVALID_ARGUMENT");
  EXPECT_EQ(synthetic::error_code([&] { Int8Estimator(form, std::vector<float>(4, 1.0f)); }), "INVALID_ARGUMENT");
  StopFlag stop;
  stop.stop();
  EXPECT_EQ(synthetic::error_code([&] { encode_int8(form, std::vector<float>(3, 1.0f), &stop); }), "ABORTED");
}

INSTANTIATE_TEST_SUITE_P(Metrics, Int8ByMetric, testing::Values(Metric::cosine, Metric::ip, Metric::l2),
                         synthetic::metric_name);

TEST(Int8, ZeroAndTinyVectorsAreZero) {
  const Int8Form form{4, Metric::l2};
  for (const float value : {0.0f, 1e-40f}) {
    const std::vector<uint8_t> row = encode_int8(form, std::vector<float>(4, value));
    EXPECT_EQ(decode_int8(form, row), std::vector<float>(4, 0.0f));
    const std::vector<float> query{3, 0, 4, 0};
    EXPECT_EQ(Int8Estimator(form, query).estimate(row.data()), -25.0f);
  }
}

TEST(Int8, OneDimIsExact) {
  const Int8Form form{1, Metric::ip};
  const std::vector<float> vectors{0.001f, -7.5f, 1000.0f};
  const std::vector<float> decoded = decode_int8(form, encode_int8(form, vectors));
  for (size_t n = 0; n < 3; ++n) EXPECT_NEAR(decoded[n] / vectors[n], 1, 1e-6);
}

}  // namespace
}  // namespace embedless::code
