#include "code/vector_form.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <tuple>

#include "code/synthetic.h"
#include "code/vector_estimator.h"

namespace embedless::code {
namespace {

using synthetic::dot;
using synthetic::Source;

constexpr VectorForm forms[] = {VectorForm::float32, VectorForm::float16, VectorForm::lvq8, VectorForm::int8};
constexpr base::Metric metrics[] = {base::Metric::cosine, base::Metric::ip, base::Metric::l2};

/// The score in double of vectors as they are given.
double exact_score(base::Metric metric, const float* q, const float* x, std::size_t dims) {
  if (metric == base::Metric::ip) return dot(q, x, dims);
  if (metric == base::Metric::cosine) return dot(q, x, dims) / std::sqrt(dot(q, q, dims) * dot(x, x, dims));
  double sum = 0;
  for (std::size_t i = 0; i < dims; ++i) sum += std::pow(static_cast<double>(q[i]) - x[i], 2);
  return -sum;
}

/// The longest residual that the form's rounding can leave.
double largest_loss(VectorForm form, const float* x, std::size_t dims) {
  const auto [low, high] = std::minmax_element(x, x + dims);
  const double root = std::sqrt(static_cast<double>(dims));
  switch (form) {
    case VectorForm::float32: return 0;
    case VectorForm::float16: return 0x1p-11 * std::sqrt(dot(x, x, dims));
    case VectorForm::lvq8: return 0.501 * (static_cast<double>(*high) - *low) / 255 * root;
    // The unbiased scale lets the residual grow a little beyond half a step.
    case VectorForm::int8: return 0.6 * std::max(std::fabs(*low), std::fabs(*high)) / 127 * root;
  }
  return 0;
}

class VectorFormBy : public testing::TestWithParam<std::tuple<VectorForm, base::Metric>> {
 protected:
  static VectorForm form() { return std::get<0>(GetParam()); }
  static base::Metric metric() { return std::get<1>(GetParam()); }
  static VectorRows rows_of(std::size_t dims) { return {.form = form(), .dims = dims, .metric = metric()}; }
};

/// Every estimate must lie within the residual's reach; of vectors without preferred numbers (`even`) nearly all lie
/// within three standard errors.
void expect_within_error(const VectorRows& form_rows, bool even) {
  const std::size_t dims = form_rows.dims;
  Source source(dims, 1, even ? 0 : 0.7);
  const std::vector<float> vectors = source.vectors_of_norms(200, 1e-3, 1e3);
  const std::vector<float> queries = source.vectors_of_norms(20, 1e-3, 1e3);
  const std::vector<std::uint8_t> rows = encode_vectors(form_rows, vectors);
  ASSERT_EQ(rows.size(), 200 * form_rows.row_bytes());
  std::size_t beyond = 0;
  for (std::size_t i = 0; i < 20; ++i) {
    const float* q = &queries[i * dims];
    const VectorEstimator estimator(form_rows, {q, dims});
    for (std::size_t n = 0; n < 200; ++n) {
      const std::uint8_t* row = &rows[n * form_rows.row_bytes()];
      const float* x = &vectors[n * dims];
      const double exact = exact_score(form_rows.metric, q, x, dims);
      const double miss = std::fabs(estimator.estimate(row) - exact);
      const double sigma = estimator.sigma(row);
      const double size = form_rows.metric == base::Metric::cosine ? 1 : std::sqrt(dot(q, q, dims) * dot(x, x, dims));
      const double rounding = 1e-6 * (std::fabs(exact) + size);
      ASSERT_LE(miss, 1.01 * sigma / vector_form_rho(dims) + rounding) << dims << " dims";
      beyond += miss > 3 * sigma + rounding;
    }
  }
  if (even) {
    EXPECT_LE(beyond, 40u) << dims << " dims";
  }
}

TEST_P(VectorFormBy, EstimatesWithinTheirError) {
  for (const std::size_t dims : {1, 2, 3, 7, 8, 9, 63, 64, 65, 384}) {
    expect_within_error(rows_of(dims), true);
    expect_within_error(rows_of(dims), false);
  }
}

TEST_P(VectorFormBy, DecodesToWhatWasGiven) {
  for (const std::size_t dims : {1, 2, 9, 30, 384}) {
    const VectorRows form_rows = rows_of(dims);
    for (const double norm : {1e-3, 1.0, 1e3}) {
      std::vector<float> vectors = Source(dims, 2).vectors(50, norm);
      const std::vector<float> decoded = decode_vectors(form_rows, encode_vectors(form_rows, vectors));
      if (form() == VectorForm::int8 && metric() == base::Metric::cosine)
        vectors = synthetic::normalised(vectors, dims);
      for (std::size_t n = 0; n < 50; ++n) {
        const float* x = &vectors[n * dims];
        const double loss = std::sqrt(-exact_score(base::Metric::l2, &decoded[n * dims], x, dims));
        const double rounding = form() == VectorForm::float32 ? 0 : 1e-6 * norm;
        EXPECT_LE(loss, largest_loss(form(), x, dims) + rounding) << dims << " dims";
      }
    }
  }
}

TEST_P(VectorFormBy, TakesEqualNumbersAndVectorsLikeTheLast) {
  const VectorRows form_rows = rows_of(5);
  const std::vector<float> vectors{2, 2, 2, 2, 2, -3, -3, -3, -3, -3, 0, 0, 0, 0, 1e-6f};
  const std::vector<std::uint8_t> rows = encode_vectors(form_rows, vectors);
  const std::vector<float> query{1, 2, 3, 4, 5};
  const VectorEstimator estimator(form_rows, query);
  for (std::size_t n = 0; n < 3; ++n) {
    const std::uint8_t* row = &rows[n * form_rows.row_bytes()];
    const double exact = exact_score(metric(), query.data(), &vectors[5 * n], 5);
    EXPECT_NEAR(estimator.estimate(row), exact, 2e-6 * (1 + std::fabs(exact)));
    EXPECT_GE(estimator.sigma(row), 0);
  }
}

TEST_P(VectorFormBy, TheExtremesGiveNumbers) {
  const VectorRows form_rows = rows_of(4);
  const float largest = 4e14f;
  const float least = metric() == base::Metric::cosine ? 1e-29f : 1e-42f;
  const std::vector<float> vectors{largest, -largest, largest, 1, least, -least, 0, least, largest, 0, 0, 1e-42f};
  const std::vector<std::uint8_t> rows = encode_vectors(form_rows, vectors);
  for (const float size : {largest, 1.0f, least}) {
    const std::vector<float> query{size, -size, 0, size / 2};
    const VectorEstimator estimator(form_rows, query);
    for (std::size_t n = 0; n < 3; ++n) {
      const std::uint8_t* row = &rows[n * form_rows.row_bytes()];
      const double exact = exact_score(metric(), query.data(), &vectors[4 * n], 4);
      const double bound = std::sqrt(dot(query.data(), query.data(), 4) * dot(&vectors[4 * n], &vectors[4 * n], 4));
      EXPECT_NEAR(estimator.estimate(row), exact,
                  0.01 * (std::fabs(exact) + (metric() == base::Metric::cosine ? 1 : bound)) + 1e-37 * (1 + size));
      EXPECT_TRUE(std::isfinite(estimator.sigma(row)));
    }
  }
}

TEST_P(VectorFormBy, RefusesBadInput) {
  const VectorRows form_rows = rows_of(3);
  const auto verdict = [&](std::vector<float> vectors) {
    return synthetic::error_code([&] { encode_vectors(form_rows, vectors); });
  };
  const bool cosine = metric() == base::Metric::cosine;
  const bool normalises = cosine && form() == VectorForm::int8;
  EXPECT_EQ(verdict({}), "");
  EXPECT_EQ(verdict({1, 2, 3, 4}), "INVALID_ARGUMENT");
  EXPECT_EQ(verdict({1, 2, NAN}), "INVALID_VECTOR");
  EXPECT_EQ(verdict({1, 2, -INFINITY}), "INVALID_VECTOR");
  EXPECT_EQ(verdict({0, 0, 0}), cosine ? "INVALID_VECTOR" : "");
  EXPECT_EQ(verdict({0, 1e16f, 0}), normalises ? "" : "INVALID_VECTOR");
  EXPECT_EQ(verdict({0, 1e-31f, 0}), cosine && !normalises ? "INVALID_VECTOR" : "");
  const std::vector<std::uint8_t> cut(form_rows.row_bytes() + 1);
  EXPECT_EQ(synthetic::error_code([&] { decode_vectors(form_rows, cut); }), "INVALID_ARGUMENT");
  EXPECT_EQ(synthetic::error_code([&] { VectorEstimator(form_rows, std::vector<float>(4, 1.0f)); }),
            "INVALID_ARGUMENT");
  EXPECT_EQ(synthetic::error_code([&] { VectorEstimator(form_rows, std::vector<float>(3, NAN)); }), "INVALID_VECTOR");
  base::StopFlag stop;
  stop.stop();
  EXPECT_EQ(synthetic::error_code([&] { encode_vectors(form_rows, std::vector<float>(3, 1.0f), &stop); }), "ABORTED");
}

TEST_P(VectorFormBy, RowsOfAnyBytesAreNoCrash) {
  const VectorRows form_rows = rows_of(9);
  const std::vector<float> query(9, 0.5f);
  const VectorEstimator estimator(form_rows, query);
  std::mt19937 random(4);
  for (int round = 0; round < 500; ++round) {
    std::vector<std::uint8_t> row(form_rows.row_bytes());
    for (std::uint8_t& byte : row) byte = static_cast<std::uint8_t>(random());
    estimator.estimate(row.data());
    estimator.sigma(row.data());
    EXPECT_EQ(decode_vectors(form_rows, row).size(), 9u);
  }
}

std::string instance_name(const testing::TestParamInfo<std::tuple<VectorForm, base::Metric>>& info) {
  constexpr const char* names[] = {"Float32", "Float16", "Lvq8", "Int8"};
  constexpr const char* by[] = {"Cosine", "Ip", "L2"};
  return std::string(names[static_cast<std::size_t>(std::get<0>(info.param))]) +
         by[static_cast<std::size_t>(std::get<1>(info.param))];
}

INSTANTIATE_TEST_SUITE_P(All, VectorFormBy, testing::Combine(testing::ValuesIn(forms), testing::ValuesIn(metrics)),
                         instance_name);

TEST(VectorForm, RowBytesAreAsDescribed) {
  const auto bytes = [](VectorForm form) { return VectorRows{.form = form, .dims = 384}.row_bytes(); };
  EXPECT_EQ(bytes(VectorForm::float32), 1536u);
  EXPECT_EQ(bytes(VectorForm::float16), 772u);
  EXPECT_EQ(bytes(VectorForm::lvq8), 392u);
  EXPECT_EQ(bytes(VectorForm::int8), 392u);
}

TEST(VectorForm, Float32IsBitForBit) {
  const VectorRows rows{.form = VectorForm::float32, .dims = 7, .metric = base::Metric::cosine};
  const std::vector<float> vectors = Source(7, 3).vectors_of_norms(40, 1e-20, 1e14);
  EXPECT_EQ(decode_vectors(rows, encode_vectors(rows, vectors)), vectors);
}

TEST(VectorForm, Float16KeepsSmallNumbersBesideLargeOnes) {
  const VectorRows rows{.form = VectorForm::float16, .dims = 3, .metric = base::Metric::ip};
  const std::vector<float> vector{1000.0f, 0.01f, -3e-5f};
  const std::vector<float> decoded = decode_vectors(rows, encode_vectors(rows, vector));
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(decoded[i] / vector[i], 1, 0x1p-11) << i;
}

TEST(VectorForm, Int8ZeroAndTinyVectorsAreZero) {
  const VectorRows rows{.form = VectorForm::int8, .dims = 4, .metric = base::Metric::l2};
  for (const float value : {0.0f, 1e-40f}) {
    const std::vector<std::uint8_t> row = encode_vectors(rows, std::vector<float>(4, value));
    EXPECT_EQ(decode_vectors(rows, row), std::vector<float>(4, 0.0f));
    const std::vector<float> query{3, 0, 4, 0};
    EXPECT_EQ(VectorEstimator(rows, query).estimate(row.data()), -25.0f);
  }
}

TEST(VectorForm, Int8RowsKnowTheirError) {
  const std::size_t dims = 30;
  const VectorRows rows{.form = VectorForm::int8, .dims = dims, .metric = base::Metric::ip};
  const std::vector<float> vectors = Source(dims, 2).vectors(100);
  const std::vector<std::uint8_t> encoded = encode_vectors(rows, vectors);
  const std::vector<float> decoded = decode_vectors(rows, encoded);
  for (std::size_t n = 0; n < 100; ++n) {
    float error;
    std::memcpy(&error, &encoded[n * rows.row_bytes() + 4], sizeof error);
    const double distance = -exact_score(base::Metric::l2, &decoded[n * dims], &vectors[n * dims], dims);
    EXPECT_NEAR(std::sqrt(distance), error, 1e-3 * error + 1e-6);
  }
}

}  // namespace
}  // namespace embedless::code
