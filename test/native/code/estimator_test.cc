#include "code/estimator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>
#include <limits>

#include "base/float16.h"
#include "code/encoder.h"
#include "code/synthetic.h"

namespace embedless::code {
namespace {

using synthetic::dot;
using synthetic::Source;

double exact_score(base::Metric metric, const float* q, const float* x, std::size_t dims) {
  if (metric != base::Metric::l2) return dot(q, x, dims);
  double sum = 0;
  for (std::size_t i = 0; i < dims; ++i) sum += std::pow(static_cast<double>(q[i]) - x[i], 2);
  return -sum;
}

/// What the scan makes of a row, in the order of operations of the kernels.
float scan_estimate(const kernel::ScanQuery& query, const std::uint8_t* row) {
  std::uint32_t sum = 0;
  for (std::size_t j = 0; j < query.subspaces; ++j) sum += query.tables[j * 256 + row[j]];
  const std::uint8_t* factors = row + query.subspaces;
  float scale = query.scale_low + query.scale_step * factors[0];
  float add = query.add_low + query.add_step * factors[1];
  if (query.form == kernel::FactorForm::half) {
    std::uint16_t halves[2];
    std::memcpy(halves, factors, sizeof halves);
    scale = base::from_half(halves[0]);
    add = base::from_half(halves[1]);
  }
  return (query.base + query.add_sign * add) +
         (query.sum_factor * scale) * (query.sum_offset + query.sum_step * static_cast<float>(sum));
}

class EstimatorByMetric : public testing::TestWithParam<base::Metric> {
 protected:
  static constexpr std::size_t dims_ = 48;
  static constexpr std::size_t count_ = 2000;
  static constexpr std::size_t queries_ = 40;

  void SetUp() override {
    Source source(dims_, 1, 0.5);
    vectors_ = source.vectors(count_);
    asked_ = source.vectors(queries_);
    codebook_ = Codebook::train(vectors_, {.dims = dims_, .metric = GetParam(), .bytes = 6});
    encoded_ = encode(*codebook_, vectors_);
    decoded_ = decode(*codebook_, encoded_.rows, encoded_.exceptions);
    if (GetParam() != base::Metric::cosine) return;
    vectors_ = synthetic::normalised(vectors_, dims_);
    asked_ = synthetic::normalised(asked_, dims_);
  }

  std::span<const float> query(std::size_t i) const { return {&asked_[i * dims_], dims_}; }
  const std::uint8_t* row(std::size_t n) const { return &encoded_.rows[n * codebook_->row_bytes()]; }
  std::vector<FactorException> exceptions(std::size_t n) const {
    std::vector<FactorException> own;
    for (const FactorException& exception : encoded_.exceptions) {
      if (exception.row == n) own.push_back(exception);
    }
    return own;
  }
  float estimate(const Estimator& estimator, std::size_t n) const {
    const auto own = exceptions(n);
    return estimator.estimate(row(n), own.data(), own.size());
  }
  float sigma(const Estimator& estimator, std::size_t n) const {
    const auto own = exceptions(n);
    return estimator.sigma(row(n), own.data(), own.size());
  }
  double distance_to_mean(std::span<const float> query) const {
    return std::sqrt(-exact_score(base::Metric::l2, query.data(), codebook_->mean(), dims_));
  }

  std::vector<float> vectors_;
  std::vector<float> asked_;
  std::vector<float> decoded_;
  std::shared_ptr<const Codebook> codebook_;
  Encoded encoded_;
};

TEST_P(EstimatorByMetric, IsTheScoreOfTheDecodedVector) {
  for (std::size_t i = 0; i < 5; ++i) {
    const Estimator estimator(*codebook_, query(i));
    for (std::size_t n = 0; n < count_; n += 7) {
      const float* centre = codebook_->mean();
      const float* q = query(i).data();
      const float* decoded = &decoded_[n * dims_];
      // <q - m, decoded - m> is the sum's part; a replaces what decoding loses of <x - m, m> or |x - m|^2.
      double part = 0;
      for (std::size_t k = 0; k < dims_; ++k)
        part += (static_cast<double>(q[k]) - centre[k]) * (decoded[k] - centre[k]);
      const auto own = exceptions(n);
      const Factors factors = codebook_->factors().read(row(n) + codebook_->subspaces(), own.data(), own.size());
      const double expected = GetParam() == base::Metric::l2
                                  ? exact_score(base::Metric::l2, q, centre, dims_) - factors.add + 2 * part
                                  : dot(q, centre, dims_) + factors.add + part;
      ASSERT_NEAR(estimate(estimator, n), expected, 1e-4 * (1 + std::fabs(expected)));
    }
  }
}

TEST_P(EstimatorByMetric, IsUnbiased) {
  double sum = 0;
  double spread = 0;
  for (std::size_t i = 0; i < queries_; ++i) {
    const Estimator estimator(*codebook_, query(i));
    for (std::size_t n = 0; n < count_; ++n) {
      const double miss =
          exact_score(GetParam(), query(i).data(), &vectors_[n * dims_], dims_) - estimate(estimator, n);
      sum += miss;
      spread += miss * miss;
    }
  }
  const double pairs = static_cast<double>(queries_ * count_);
  EXPECT_LT(std::fabs(sum / pairs), 0.05 * std::sqrt(spread / pairs));
}

TEST_P(EstimatorByMetric, IsExactAlongTheVectorItself) {
  // The unbiased scale makes <X, s D> equal |X|^2: asked for a vector of the store, its own estimate misses only by
  // rounding.
  for (std::size_t n = 0; n < 50; ++n) {
    const Estimator estimator(*codebook_, {&vectors_[n * dims_], dims_});
    const double exact = exact_score(GetParam(), &vectors_[n * dims_], &vectors_[n * dims_], dims_);
    EXPECT_NEAR(estimate(estimator, n), exact, 0.02 * dot(&vectors_[n * dims_], &vectors_[n * dims_], dims_)) << n;
  }
}

TEST_P(EstimatorByMetric, ErrorsStayWithinTheResidualBound) {
  // |miss| <= e |q - m| always holds (twice that for l2); how small a share of it is usual depends on the dims.
  const double factor = GetParam() == base::Metric::l2 ? 2 : 1;
  double squares = 0;
  std::size_t beyond = 0;
  for (std::size_t i = 0; i < queries_; ++i) {
    const Estimator estimator(*codebook_, query(i));
    for (std::size_t n = 0; n < count_; ++n) {
      const double bound = sigma(estimator, n) / codebook_->rho();
      const double miss =
          exact_score(GetParam(), query(i).data(), &vectors_[n * dims_], dims_) - estimate(estimator, n);
      ASSERT_LE(std::fabs(miss), 1.05 * bound + 0.01);
      ASSERT_LE(bound, factor * 1.3 * distance_to_mean(query(i)) *
                               std::sqrt(dot(&vectors_[n * dims_], &vectors_[n * dims_], dims_)) +
                           2);
      squares += miss * miss / (bound * bound);
      beyond += std::fabs(miss) > 3 * bound / std::sqrt(static_cast<double>(dims_));
    }
  }
  const double pairs = static_cast<double>(queries_ * count_);
  EXPECT_LT(std::sqrt(squares / pairs), 1.5 / std::sqrt(static_cast<double>(dims_)));
  EXPECT_GT(std::sqrt(squares / pairs), 0.3 / std::sqrt(static_cast<double>(dims_)));
  EXPECT_LT(static_cast<double>(beyond), 0.01 * pairs);
}

TEST_P(EstimatorByMetric, TheScanComesCloseToTheFloatTables) {
  for (std::size_t i = 0; i < queries_; ++i) {
    const Estimator estimator(*codebook_, query(i));
    double squares = 0;
    double variance = 0;
    for (std::size_t n = 0; n < count_; ++n) {
      if (!exceptions(n).empty()) continue;
      const double miss = scan_estimate(estimator.scan_query(), row(n)) - estimator.estimate(row(n));
      if (GetParam() == base::Metric::cosine) {
        ASSERT_LE(std::fabs(miss), estimator.scan_slack() + 1e-6);
      }
      squares += miss * miss;
      variance += std::pow(sigma(estimator, n) / codebook_->rho() / std::sqrt(static_cast<double>(dims_)), 2);
    }
    EXPECT_LT(squares, 0.05 * variance) << "query " << i;
  }
}

TEST_P(EstimatorByMetric, ExceptionsOverrideTheStoredFactors) {
  const Estimator estimator(*codebook_, query(0));
  const std::vector<FactorException> own{{0, 0, 0, 0.0f}, {0, 1, 0, 0.25f}, {0, 2, 0, 2.0f}};
  const double base = GetParam() == base::Metric::l2
                          ? exact_score(base::Metric::l2, query(0).data(), codebook_->mean(), dims_)
                          : dot(query(0).data(), codebook_->mean(), dims_);
  EXPECT_NEAR(estimator.estimate(row(0), own.data(), 3), GetParam() == base::Metric::l2 ? base - 0.25 : base + 0.25,
              1e-5);
  const double factor = GetParam() == base::Metric::l2 ? 2 : 1;
  EXPECT_NEAR(estimator.sigma(row(0), own.data(), 3), factor * codebook_->rho() * 2 * distance_to_mean(query(0)), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Metrics, EstimatorByMetric,
                         testing::Values(base::Metric::cosine, base::Metric::ip, base::Metric::l2),
                         synthetic::metric_name);

/// Few enough distinct vectors for the centroids to be the numbers themselves: nothing is left out, so all that an
/// estimate is off by is the rounding of its factors.
TEST(EstimatorRounding, IsPartOfSigma) {
  constexpr std::size_t dims = 8, distinct = 100, count = 1000;
  std::vector<float> few = Source(dims, 6).vectors(distinct);
  for (float& value : few) value += 30;
  std::vector<float> vectors(count * dims);
  for (std::size_t i = 0; i < vectors.size(); ++i) vectors[i] = few[i % few.size()];
  for (const base::Metric metric : {base::Metric::ip, base::Metric::l2}) {
    const auto codebook = Codebook::train(vectors, {.dims = dims, .metric = metric, .bytes = dims});
    const Encoded encoded = encode(*codebook, few);
    double squares = 0, told = 0, residuals = 0;
    for (std::size_t q = 0; q < distinct; ++q) {
      const float* query = &few[q * dims];
      const Estimator estimator(*codebook, {query, dims});
      for (std::size_t n = 0; n < distinct; ++n) {
        std::vector<FactorException> own;
        std::ranges::copy_if(encoded.exceptions, std::back_inserter(own),
                             [&](const auto& one) { return one.row == n; });
        const std::uint8_t* row = &encoded.rows[n * codebook->row_bytes()];
        const double miss =
            exact_score(metric, query, &few[n * dims], dims) - estimator.estimate(row, own.data(), own.size());
        squares += miss * miss;
        told += std::pow(estimator.sigma(row, own.data(), own.size()), 2);
        residuals += std::pow(estimator.errors(row, own.data(), own.size()).residual, 2);
      }
    }
    EXPECT_GT(squares, 0.05 * told) << "metric " << static_cast<int>(metric);
    EXPECT_LT(squares, 2 * told) << "metric " << static_cast<int>(metric);
    EXPECT_GT(squares, residuals) << "metric " << static_cast<int>(metric);
  }
}

TEST(EstimatorQuery, RefusesWhatIsNoQuery) {
  const std::vector<float> vectors = Source(4, 2).vectors(50);
  for (const base::Metric metric : {base::Metric::cosine, base::Metric::ip, base::Metric::l2}) {
    const auto codebook = Codebook::train(vectors, {.dims = 4, .metric = metric, .bytes = 2});
    const auto verdict = [&](std::vector<float> query) {
      return synthetic::error_code([&] { Estimator(*codebook, query); });
    };
    EXPECT_EQ(verdict({1, 2, 3}), "INVALID_ARGUMENT");
    EXPECT_EQ(verdict({1, 2, 3, NAN}), "INVALID_VECTOR");
    EXPECT_EQ(verdict({1, 2, 3, INFINITY}), "INVALID_VECTOR");
    EXPECT_EQ(verdict({0, 0, 0, 0}), metric == base::Metric::cosine ? "INVALID_VECTOR" : "");
  }
}

TEST(EstimatorQuery, CosineIgnoresItsLength) {
  const auto codebook = Codebook::train(Source(8, 3).vectors(300), {.dims = 8, .bytes = 3});
  const Encoded encoded = encode(*codebook, Source(8, 4).vectors(1));
  std::vector<float> query = Source(8, 5).vectors(1);
  const float once = Estimator(*codebook, query).estimate(encoded.rows.data());
  for (float& value : query) value *= 1024;
  EXPECT_EQ(Estimator(*codebook, query).estimate(encoded.rows.data()), once);
}

}  // namespace
}  // namespace embedless::code
