// The error constant, measured on codes whose errors are known.

#include "code/rho.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <set>

#include "base/random.h"
#include "code/synthetic.h"

namespace embedless::code {
namespace {

using synthetic::Source;

constexpr std::size_t dims = 8;

/// A code whose rows are the vectors and whose estimates err by what `error` says in units of sigma = 0.1.
RhoCode erring(base::Metric metric, std::function<double(std::uint32_t hash)> error) {
  return {.encode = [](std::span<const float> vectors) -> Encoded {
            Encoded rows;
            const auto* bytes = reinterpret_cast<const std::uint8_t*>(vectors.data());
            rows.rows.assign(bytes, bytes + vectors.size_bytes());
            return rows;
          },
          .prepare = [metric, error](std::span<const float> query) -> RhoCode::Estimate {
            return [metric, error, q = std::vector<float>(query.begin(), query.end())](
                       const std::uint8_t* row, std::span<const FactorException>) -> RowEstimate {
              float x[dims];
              std::memcpy(x, row, sizeof x);
              double exact = synthetic::dot(q.data(), x, dims);
              if (metric == base::Metric::l2) {
                exact = 2 * exact - synthetic::dot(q.data(), q.data(), dims) - synthetic::dot(x, x, dims);
              }
              std::uint32_t hash;
              std::memcpy(&hash, row, sizeof hash);
              return {.estimate = static_cast<float>(exact - 0.1 * error(hash * 2654435761u)), .sigma = 0.1f};
            };
          }};
}

double evenly(std::uint32_t hash, double low, double high) { return low + (high - low) * hash / 4294967296.0; }

float measured(base::Metric metric, std::function<double(std::uint32_t)> error, unsigned threads = 1,
               bool asked = false) {
  const std::vector<float> passages = synthetic::normalised(Source(dims, 1).vectors(1000), dims);
  const std::vector<float> queries = synthetic::normalised(Source(dims, 2).vectors(asked ? 100 : 0), dims);
  return measure_rho({.dims = dims, .metric = metric, .passages = passages, .queries = queries, .threads = threads},
                     erring(metric, std::move(error)), 0.5f);
}

TEST(Rho, IsTheRootMeanSquareOfTheMisses) {
  for (const base::Metric metric : {base::Metric::cosine, base::Metric::ip, base::Metric::l2}) {
    for (const bool asked : {false, true}) {
      const float rho = measured(metric, [](std::uint32_t hash) { return evenly(hash, -0.3, 0.3); }, 1, asked);
      EXPECT_NEAR(rho, 0.3 / std::sqrt(3.0), 0.01);
    }
  }
}

TEST(Rho, TakesOutASharedOverestimateButNoUnderestimate) {
  EXPECT_NEAR(measured(base::Metric::ip, [](std::uint32_t hash) { return evenly(hash, -0.5, 0.1); }),
              0.3 / std::sqrt(3.0), 0.01);
  EXPECT_NEAR(measured(base::Metric::ip, [](std::uint32_t hash) { return evenly(hash, -0.1, 0.5); }),
              std::sqrt(0.03 + 0.04), 0.02);
}

TEST(Rho, StaysWithinItsLimits) {
  EXPECT_EQ(measured(base::Metric::ip, [](std::uint32_t) { return 7.0; }), 1.0f);
  EXPECT_NEAR(measured(base::Metric::ip, [](std::uint32_t) { return -0.2; }), 0.001f, 1e-4);
}

TEST(RhoConcurrency, IsTheSameForAnyNumberOfThreads) {
  const auto error = [](std::uint32_t hash) { return evenly(hash, -0.2, 0.3); };
  const float one = measured(base::Metric::l2, error, 1);
  for (const unsigned threads : {2u, 7u}) EXPECT_EQ(measured(base::Metric::l2, error, threads), one);
}

TEST(Rho, WithoutErrorsOrNeighboursIsWhatWasSaid) {
  const std::vector<float> one = Source(dims, 1).vectors(1);
  const RhoSample alone{.dims = dims, .metric = base::Metric::ip, .passages = one};
  EXPECT_EQ(measure_rho(alone, erring(base::Metric::ip, [](std::uint32_t) { return 0.2; }), 0.5f), 0.5f);
  RhoCode exact = erring(base::Metric::ip, [](std::uint32_t) { return 0.0; });
  exact.prepare = [](std::span<const float>) -> RhoCode::Estimate {
    return [](const std::uint8_t*, std::span<const FactorException>) -> RowEstimate {
      return {.estimate = 1, .sigma = 0};
    };
  };
  const std::vector<float> passages = Source(dims, 1).vectors(100);
  EXPECT_EQ(measure_rho({.dims = dims, .metric = base::Metric::ip, .passages = passages}, exact, 0.5f), 0.5f);
}

TEST(Sample, IsDifferentNumbersInRandomOrder) {
  const auto sample = base::random_sample(100, 30, 7);
  EXPECT_EQ(std::set<std::size_t>(sample.begin(), sample.end()).size(), 30u);
  for (const std::size_t i : sample) EXPECT_LT(i, 100u);
  EXPECT_EQ(base::random_sample(100, 30, 7), sample);
  EXPECT_NE(base::random_sample(100, 30, 8), sample);
  const auto all = base::random_sample(5, 30, 7);
  EXPECT_EQ(std::set<std::size_t>(all.begin(), all.end()), (std::set<std::size_t>{0, 1, 2, 3, 4}));
  EXPECT_TRUE(base::random_sample(0, 30, 7).empty());
}

}  // namespace
}  // namespace embedless::code
