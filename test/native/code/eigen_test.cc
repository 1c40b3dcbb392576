#include "code/eigen.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "code/leading_eigen.h"
#include "code/synthetic.h"

namespace embedless::code {
namespace {

/// B B' of a random [order][rank] B whose columns shrink by `decay`.
std::vector<double> semi_definite(std::size_t order, std::size_t rank, double decay, std::uint64_t seed) {
  base::Random random(seed);
  std::vector<double> factor(order * rank);
  for (std::size_t i = 0; i < factor.size(); ++i) {
    factor[i] = random.symmetric() * std::pow(1.0 + static_cast<double>(i % rank), -decay);
  }
  std::vector<double> matrix(order * order);
  for (std::size_t i = 0; i < order; ++i) {
    for (std::size_t j = 0; j < order; ++j) {
      for (std::size_t k = 0; k < rank; ++k) matrix[i * order + j] += factor[i * rank + k] * factor[j * rank + k];
    }
  }
  return matrix;
}

double norm_of(const std::vector<double>& matrix) {
  double sum = 0;
  for (const double value : matrix) sum += value * value;
  return std::sqrt(sum);
}

/// A v = value v, vectors orthonormal, values falling.
void expect_eigen(const std::vector<double>& matrix, const Eigen& eigen, std::size_t order, double tolerance) {
  const double limit = tolerance * std::max(norm_of(matrix), 1e-300);
  const std::size_t count = eigen.values.size();
  for (std::size_t k = 0; k < count; ++k) {
    if (k > 0) {
      ASSERT_GE(eigen.values[k - 1], eigen.values[k]);
    }
    const double* v = &eigen.vectors[k * order];
    for (std::size_t i = 0; i < order; ++i) {
      double image = 0;
      for (std::size_t j = 0; j < order; ++j) image += matrix[i * order + j] * v[j];
      ASSERT_NEAR(image, eigen.values[k] * v[i], limit) << "pair " << k << " of order " << order;
    }
    for (std::size_t other = 0; other <= k; ++other) {
      double product = 0;
      for (std::size_t i = 0; i < order; ++i) product += v[i] * eigen.vectors[other * order + i];
      ASSERT_NEAR(product, k == other ? 1 : 0, tolerance * 10) << k << ", " << other << " of order " << order;
    }
  }
}

TEST(SymmetricEigen, SolvesRandomMatricesOfAnyOrder) {
  for (const std::size_t order : {1, 2, 3, 4, 5, 16, 33, 100}) {
    const std::vector<double> matrix = semi_definite(order, order, 0.5, order);
    const Eigen eigen = symmetric_eigen(matrix, order);
    ASSERT_EQ(eigen.values.size(), order);
    expect_eigen(matrix, eigen, order, 1e-12);
  }
}

TEST(SymmetricEigen, SolvesIndefiniteMatrices) {
  base::Random random(5);
  const std::size_t order = 30;
  std::vector<double> matrix(order * order);
  for (std::size_t i = 0; i < order; ++i) {
    for (std::size_t j = 0; j <= i; ++j) matrix[i * order + j] = matrix[j * order + i] = random.symmetric();
  }
  expect_eigen(matrix, symmetric_eigen(matrix, order), order, 1e-12);
}

TEST(SymmetricEigen, SolvesDegenerateMatrices) {
  const std::size_t order = 20;
  const std::vector<double> zero(order * order);
  expect_eigen(zero, symmetric_eigen(zero, order), order, 1e-12);
  std::vector<double> identity(zero);
  for (std::size_t i = 0; i < order; ++i) identity[i * order + i] = 1;
  expect_eigen(identity, symmetric_eigen(identity, order), order, 1e-12);
  const std::vector<double> rank_one = semi_definite(order, 1, 0, 3);
  expect_eigen(rank_one, symmetric_eigen(rank_one, order), order, 1e-12);
  for (const double size : {1e-30, 1e30}) {
    std::vector<double> scaled = semi_definite(order, order, 3, 4);
    for (double& value : scaled) value *= size;
    expect_eigen(scaled, symmetric_eigen(scaled, order), order, 1e-12);
  }
}

TEST(SymmetricEigen, KnowsAClosedForm) {
  // The second difference matrix has the eigenvalues 2 - 2 cos(pi k / (n + 1)).
  const std::size_t order = 50;
  std::vector<double> matrix(order * order);
  for (std::size_t i = 0; i < order; ++i) {
    matrix[i * order + i] = 2;
    if (i > 0) matrix[i * order + i - 1] = matrix[(i - 1) * order + i] = -1;
  }
  const Eigen eigen = symmetric_eigen(matrix, order);
  for (std::size_t k = 0; k < order; ++k) {
    const double angle = std::acos(-1.0) * static_cast<double>(order - k) / static_cast<double>(order + 1);
    EXPECT_NEAR(eigen.values[k], 2 - 2 * std::cos(angle), 1e-12);
  }
}

TEST(SymmetricEigen, Stops) {
  base::StopFlag stop;
  stop.stop();
  EXPECT_THROW(symmetric_eigen(semi_definite(10, 10, 0, 1), 10, &stop), base::Stopped);
}

double leading_sum(const Eigen& eigen, std::size_t count) {
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += eigen.values[i];
  return sum;
}

TEST(LeadingEigen, KeepsTheVarianceOfTheFullSolution) {
  const std::size_t order = 180;
  const std::size_t count = 100;
  for (const double decay : {0.3, 1.0}) {
    const std::vector<double> matrix = semi_definite(order, order, decay, 9);
    const Eigen full = symmetric_eigen(matrix, order);
    const Eigen leading = leading_eigen(matrix, {.order = order, .count = count, .rank = order, .seed = 1});
    ASSERT_EQ(leading.values.size(), count);
    ASSERT_EQ(leading.vectors.size(), count * order);
    EXPECT_NEAR(leading_sum(leading, count) / leading_sum(full, count), 1, 1e-4);
    for (std::size_t i = 0; i < 20; ++i) EXPECT_NEAR(leading.values[i], full.values[i], 1e-4 * full.values[0]);
    if (decay == 1.0) expect_eigen(matrix, leading, order, 1e-4);
  }
}

TEST(LeadingEigen, FillsUpWhatARankDeficientMatrixLacks) {
  for (const std::size_t rank : {0, 1, 7, 90}) {
    const std::size_t order = 170;
    const std::vector<double> matrix = semi_definite(order, std::max<std::size_t>(rank, 1), 0, 2);
    const std::vector<double> used = rank == 0 ? std::vector<double>(order * order) : matrix;
    // Whether the rank is known or not.
    for (const std::size_t bound : {std::max<std::size_t>(rank, 1), order}) {
      expect_eigen(used, leading_eigen(used, {.order = order, .count = 100, .rank = bound, .seed = 1}), order, 1e-5);
    }
  }
}

TEST(LeadingEigenConcurrency, IsTheSameForAnyNumberOfThreads) {
  const std::size_t order = 150;
  const std::vector<double> matrix = semi_definite(order, order, 0.5, 6);
  const Eigen one = leading_eigen(matrix, {.order = order, .count = 70, .rank = order, .seed = 3, .threads = 1});
  for (const unsigned threads : {2u, 3u}) {
    const Eigen many =
        leading_eigen(matrix, {.order = order, .count = 70, .rank = order, .seed = 3, .threads = threads});
    EXPECT_EQ(one.values, many.values);
    EXPECT_EQ(one.vectors, many.vectors);
  }
}

}  // namespace
}  // namespace embedless::code
