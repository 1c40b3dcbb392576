// Training, encoding and estimating of the LVQ family, against the reference in double.

#include "code/lvq_code.h"

#include <gtest/gtest.h>

#include <cmath>
#include <tuple>

#include "base/float16.h"
#include "code/lvq_estimator.h"
#include "code/lvq_reference.h"
#include "code/synthetic.h"

namespace embedless::code {
namespace {

using namespace lvq_reference;
using synthetic::Source;

class LvqBy : public testing::TestWithParam<std::tuple<Kind, base::Metric>> {
 protected:
  static const Kind& kind() { return std::get<0>(GetParam()); }
  static base::Metric metric() { return std::get<1>(GetParam()); }

  /// Trained, saved and loaded.
  static std::shared_ptr<const LvqCode> trained(const std::vector<float>& vectors, std::size_t dims) {
    const std::vector<float> queries = Source(dims, 99).vectors(60);
    return LvqCode::load(LvqCode::train(vectors, options(kind(), metric(), dims, queries))->save());
  }

  /// Expects of every vector and query: the row's factors are what they should be, estimates follow the formula, and
  /// the residual bounds the error (Cauchy-Schwarz).
  static void expect_sound(const LvqCode& code, const std::vector<float>& vectors, const std::vector<float>& queries) {
    const std::size_t dims = code.dims();
    const std::vector<std::uint8_t> rows = encode(code, vectors);
    const std::vector<float> decoded = decode(code, rows);
    ASSERT_EQ(rows.size(), vectors.size() / dims * code.row_bytes());
    for (std::size_t n = 0; n < vectors.size() / dims; ++n) {
      const std::uint8_t* row = &rows[n * code.row_bytes()];
      const Row read = read_row(code, row);
      const std::vector<double> x = centred(code, &vectors[n * dims]);
      const std::vector<double> found = approximation(code, read, false);
      expect_factors(code, read, x, found);
      for (std::size_t j = 0; j < dims; ++j) {
        const double tolerance = 1e-5 * (std::sqrt(dot(found, found)) + std::fabs(code.mean()[j]));
        ASSERT_NEAR(decoded[n * dims + j], found[j] + code.mean()[j], tolerance);
      }
    }
    for (std::size_t i = 0; i < queries.size() / dims; ++i) expect_estimates(code, rows, vectors, &queries[i * dims]);
  }

  static void expect_factors(const LvqCode& code, const Row& row, const std::vector<double>& x,
                             const std::vector<double>& found) {
    std::vector<double> rest(x);
    for (std::size_t j = 0; j < rest.size(); ++j) rest[j] -= found[j];
    const std::vector<double> mean(code.mean(), code.mean() + code.dims());
    const double size = std::sqrt(dot(x, x)) + 1e-7 * std::sqrt(dot(mean, mean)) + 1e-30;
    const double tolerance = 2e-5 * (size + std::sqrt(dot(found, found))) + 1e-6 * std::sqrt(dot(mean, mean));
    ASSERT_NEAR(row.error, std::sqrt(dot(rest, rest)), tolerance);
    const double add = code.metric() == base::Metric::l2 ? dot(x, x) : dot(x, mean);
    const double total = size + std::sqrt(dot(mean, mean));
    ASSERT_NEAR(row.add, add, 3e-6 * total * total + 1e-37);
  }

  static void expect_estimates(const LvqCode& code, const std::vector<std::uint8_t>& rows,
                               const std::vector<float>& vectors, const float* query) {
    const std::size_t dims = code.dims();
    const LvqEstimator estimator(code, {query, dims});
    const std::vector<double> q = centred(code, query);
    const std::vector<double> mean(code.mean(), code.mean() + dims);
    std::vector<double> whole(q);
    for (std::size_t j = 0; j < dims; ++j) whole[j] += mean[j];
    const double factor = code.metric() == base::Metric::l2 ? 2 : 1;
    const double base = code.metric() == base::Metric::l2 ? -dot(q, q) : dot(whole, mean);
    const double sign = code.metric() == base::Metric::l2 ? -1 : 1;
    for (std::size_t n = 0; n < vectors.size() / dims; ++n) {
      const std::uint8_t* row = &rows[n * code.row_bytes()];
      const float* x = &vectors[n * dims];
      const Row read = read_row(code, row);
      const double reach = std::sqrt(dot(q, q));
      for (const bool first_only : {true, false}) {
        const std::vector<double> found = approximation(code, read, first_only);
        const double expected = base + sign * read.add + factor * dot(q, found);
        const double size = reach * std::sqrt(dot(found, found));
        const float estimate = first_only ? estimator.first_estimate(row) : estimator.estimate(row);
        ASSERT_NEAR(estimate, expected, rounding(code, query, x) + 1e-5 * size) << "vector " << n;
      }
      const double bound = factor * read.error * reach;
      const double wide = factor * read.error * (reach + std::sqrt(dot(mean, mean)));
      ASSERT_NEAR(estimator.sigma(row), code.rho() * bound, 1e-6 * code.rho() * wide + 1e-37);
      const double exact = exact_score(code.metric(), query, x, dims);
      ASSERT_LE(std::fabs(estimator.estimate(row) - exact), 1.0001 * bound + 2 * rounding(code, query, x))
          << "vector " << n;
    }
  }
};

TEST_P(LvqBy, AgreesWithTheReferenceAtAnyDims) {
  for (const std::size_t dims : {1, 2, 3, 7, 8, 9, 63, 64, 65, 384}) {
    SCOPED_TRACE(dims);
    Source source(dims, 1);
    const std::size_t few = dims < 100 ? 120 : 40;
    expect_sound(*trained(source.vectors(few), dims), source.vectors(50), source.vectors(6));
    if (HasFatalFailure()) return;
  }
}

TEST_P(LvqBy, TakesNormsOfAllMagnitudes) {
  const std::size_t dims = 24;
  Source source(dims, 2);
  const std::vector<float> vectors = source.vectors_of_norms(150, 1e-3, 1e3);
  expect_sound(*trained(vectors, dims), vectors, source.vectors_of_norms(8, 1e-3, 1e3));
  for (const double norm : {1e-3, 1e3}) {
    expect_sound(*trained(source.vectors(100, norm), dims), source.vectors(30, norm), source.vectors(4, norm));
  }
}

TEST_P(LvqBy, TakesDegenerateSamples) {
  const std::size_t dims = 6;
  Source source(dims, 3);
  const std::vector<float> one = source.vectors(1);
  std::vector<float> equal;
  for (int n = 0; n < 20; ++n) equal.insert(equal.end(), one.begin(), one.end());
  const std::vector<float> constant(dims * 10, 0.25f);
  std::vector<float> line = equal;
  for (std::size_t n = 0; n < 20; ++n) line[n * dims] += static_cast<float>(n);
  for (const auto& sample : {one, equal, constant, line, source.vectors(3)}) {
    const auto code = trained(sample, dims);
    EXPECT_GT(code->rho(), 0);
    EXPECT_LE(code->rho(), 1);
    expect_sound(*code, sample, source.vectors(3));
    expect_sound(*code, source.vectors(20), source.vectors(3));
    expect_sound(*code, source.vectors(5), sample);
  }
}

TEST_P(LvqBy, SavingAndLoadingChangesNothing) {
  const std::size_t dims = 33;
  Source source(dims, 4);
  const std::vector<float> vectors = source.vectors(200);
  const std::vector<float> queries = Source(dims, 99).vectors(60);
  const auto before = LvqCode::train(vectors, options(kind(), metric(), dims, queries));
  const auto after = LvqCode::load(before->save());
  EXPECT_EQ(after->save(), before->save());
  EXPECT_EQ(after->rho(), before->rho());
  const std::vector<std::uint8_t> rows = encode(*before, vectors);
  EXPECT_EQ(encode(*after, vectors), rows);
  const LvqEstimator one(*before, std::span(queries).first(dims));
  const LvqEstimator other(*after, std::span(queries).first(dims));
  for (std::size_t n = 0; n < 200; ++n) {
    const std::uint8_t* row = &rows[n * before->row_bytes()];
    EXPECT_EQ(one.estimate(row), other.estimate(row));
    EXPECT_EQ(one.sigma(row), other.sigma(row));
  }
}

TEST_P(LvqBy, IsTheSameForAnyNumberOfThreadsAndAnyCut) {
  const std::size_t dims = 40;
  const std::vector<float> vectors = Source(dims, 5).vectors(700);
  const std::vector<float> queries = Source(dims, 6).vectors(90);
  LvqTrainOptions given = options(kind(), metric(), dims, queries);
  const auto code = LvqCode::train(vectors, given);
  for (const unsigned threads : {2u, 5u}) {
    given.threads = threads;
    EXPECT_EQ(LvqCode::train(vectors, given)->save(), code->save());
  }
  const std::vector<std::uint8_t> together = encode(*code, vectors);
  std::vector<std::uint8_t> apart;
  for (std::size_t first = 0; first < 700;) {
    const std::size_t count = std::min<std::size_t>(first % 37 + 1, 700 - first);
    const auto part = encode(*code, std::span(vectors).subspan(first * dims, count * dims));
    apart.insert(apart.end(), part.begin(), part.end());
    first += count;
  }
  EXPECT_EQ(apart, together);
}

TEST_P(LvqBy, EstimatesAreUnbiasedForTheVectorItself) {
  const std::size_t dims = 48;
  Source source(dims, 7);
  const std::vector<float> vectors = source.vectors(300);
  const auto code = trained(vectors, dims);
  const std::vector<std::uint8_t> rows = encode(*code, vectors);
  for (std::size_t n = 0; n < 300; ++n) {
    const std::vector<double> x = centred(*code, &vectors[n * dims]);
    const std::vector<double> found = approximation(*code, read_row(*code, &rows[n * code->row_bytes()]), false);
    EXPECT_NEAR(dot(x, found) / dot(x, x), 1, 1e-5);
  }
}

TEST_P(LvqBy, RefusesBadInput) {
  const auto code = trained(Source(3, 8).vectors(30), 3);
  const auto verdict = [&](std::vector<float> vectors) {
    return synthetic::error_code([&] { encode(*code, vectors); });
  };
  EXPECT_EQ(verdict({}), "");
  EXPECT_EQ(verdict({1, 2, 3, 4}), "INVALID_ARGUMENT");
  EXPECT_EQ(verdict({1, 2, NAN}), "INVALID_VECTOR");
  EXPECT_EQ(verdict({0, 0, 0}), metric() == base::Metric::cosine ? "INVALID_VECTOR" : "");
  EXPECT_EQ(synthetic::error_code([&] { decode(*code, std::vector<std::uint8_t>(code->row_bytes() + 1)); }),
            "INVALID_ARGUMENT");
  EXPECT_EQ(synthetic::error_code([&] { LvqEstimator(*code, std::vector<float>(4, 1.0f)); }), "INVALID_ARGUMENT");
  EXPECT_EQ(synthetic::error_code([&] { LvqEstimator(*code, std::vector<float>(3, INFINITY)); }), "INVALID_VECTOR");
  base::StopFlag stop;
  stop.stop();
  EXPECT_EQ(synthetic::error_code([&] { encode(*code, std::vector<float>(3, 1.0f), &stop); }), "ABORTED");
}

std::string instance_name(const testing::TestParamInfo<std::tuple<Kind, base::Metric>>& info) {
  constexpr const char* by[] = {"Cosine", "Ip", "L2"};
  return std::string(std::get<0>(info.param).name) + by[static_cast<std::size_t>(std::get<1>(info.param))];
}

INSTANTIATE_TEST_SUITE_P(All, LvqBy, testing::Combine(testing::ValuesIn(kinds), testing::ValuesIn(metrics)),
                         instance_name);

TEST(LvqCode, RowBytesAreAsDescribed) {
  const std::vector<float> vectors = Source(384, 1).vectors(30);
  const auto bytes = [&](LvqLevels levels, std::size_t projected) {
    return LvqCode::train(vectors, {.dims = 384, .levels = levels, .projected = projected})->row_bytes();
  };
  EXPECT_EQ(bytes(LvqLevels::lvq4, 0), 208u);
  EXPECT_EQ(bytes(LvqLevels::lvq8, 0), 400u);
  EXPECT_EQ(bytes(LvqLevels::lvq4x8, 0), 592u);
  EXPECT_EQ(bytes(LvqLevels::lvq4, 160), 96u);
  EXPECT_EQ(bytes(LvqLevels::lvq8, 160), 176u);
}

TEST(LvqCode, RefusesBadOptions) {
  const std::vector<float> vectors = Source(4, 1).vectors(20);
  const auto verdict = [&](LvqTrainOptions options) {
    return synthetic::error_code([&] { LvqCode::train(vectors, options); });
  };
  EXPECT_EQ(verdict({.dims = 4}), "");
  EXPECT_EQ(verdict({.dims = 0}), "INVALID_ARGUMENT");
  EXPECT_EQ(verdict({.dims = 3}), "INVALID_ARGUMENT");
  EXPECT_EQ(verdict({.dims = max_dims + 1}), "INVALID_ARGUMENT");
  EXPECT_EQ(verdict({.dims = 4, .threads = 0}), "INVALID_ARGUMENT");
  EXPECT_EQ(verdict({.dims = 4, .projected = 4}), "");
  EXPECT_EQ(verdict({.dims = 4, .projected = 5}), "INVALID_ARGUMENT");
  EXPECT_EQ(verdict({.dims = 4, .levels = LvqLevels::lvq4x8, .projected = 2}), "INVALID_ARGUMENT");
  const LvqTrainOptions ood{.dims = 4, .projected = 2, .projection = Projection::ood, .queries = vectors};
  EXPECT_EQ(verdict(ood), "");
  LvqTrainOptions wrong = ood;
  wrong.queries = {};
  EXPECT_EQ(verdict(wrong), "INVALID_ARGUMENT");
  wrong.queries = std::span(vectors).first(6);
  EXPECT_EQ(verdict(wrong), "INVALID_ARGUMENT");
  wrong = ood;
  wrong.projection = Projection::pca;
  EXPECT_EQ(verdict(wrong), "INVALID_ARGUMENT");
  EXPECT_EQ(verdict({.dims = 4, .queries = vectors}), "INVALID_ARGUMENT");
  EXPECT_EQ(synthetic::error_code([&] { LvqCode::train({}, {.dims = 4}); }), "INVALID_ARGUMENT");
}

TEST(LvqCode, RefusesBadVectorsAndQueries) {
  const std::vector<float> vectors = Source(4, 1).vectors(20);
  for (const float bad : {NAN, INFINITY}) {
    std::vector<float> broken = vectors;
    broken[13] = bad;
    for (const std::size_t projected : {0, 2}) {
      EXPECT_EQ(synthetic::error_code([&] { LvqCode::train(broken, {.dims = 4, .projected = projected}); }),
                "INVALID_VECTOR");
    }
    const LvqTrainOptions ood{.dims = 4, .projected = 2, .projection = Projection::ood, .queries = broken};
    EXPECT_EQ(synthetic::error_code([&] { LvqCode::train(vectors, ood); }), "INVALID_VECTOR");
  }
  base::StopFlag stop;
  stop.stop();
  EXPECT_EQ(synthetic::error_code([&] { LvqCode::train(vectors, {.dims = 4, .stop = &stop}); }), "ABORTED");
}

TEST(LvqCode, ProjectionsAreMadeOfStoredNumbers) {
  const std::vector<float> vectors = Source(20, 9).vectors(300, 1e-3);
  const std::vector<float> queries = Source(20, 10).vectors(80, 1e3);
  const LvqTrainOptions options{
      .dims = 20, .metric = base::Metric::ip, .projected = 9, .projection = Projection::ood, .queries = queries};
  const auto code = LvqCode::train(vectors, options);
  const auto stored = [](float value, float unit) { return base::from_half(base::to_half(value / unit)) * unit; };
  const LvqParts& parts = code->parts();
  for (const float value : parts.passage_side) ASSERT_EQ(value, stored(value, parts.passage_unit));
  for (const float value : parts.query_side) ASSERT_EQ(value, stored(value, parts.query_unit));
}

}  // namespace
}  // namespace embedless::code
