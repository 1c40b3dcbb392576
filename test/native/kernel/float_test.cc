// dot, squared_l2, squared_norm, axpy and multiply of every instruction set.
//
// Inputs lie in vectors of exactly their length, one element behind the start, so that they are unaligned and the
// address sanitizer sees every read or write outside them.

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernel/instruction_set.h"

namespace kernel = embedless::kernel;

namespace {

using FloatKernels = InstructionSet;

/// n floats behind one that belongs to nobody.
struct Floats {
  std::vector<float> all;

  Floats(std::size_t n, std::mt19937& random) : all(n + 1) {
    std::uniform_real_distribution<float> values(-1.0f, 1.0f);
    for (auto& value : all) value = values(random);
  }
  const float* data() const { return all.data() + 1; }
  float* data() { return all.data() + 1; }
};

constexpr double tolerance = 1e-5;

/// Relative to the sum of the magnitudes: a dot product near zero has no relative error of its own.
void expect_close(double actual, double expected, double magnitude, const char* what, std::size_t n) {
  EXPECT_LE(std::abs(actual - expected), tolerance * magnitude) << what << " of " << n << " dims";
}

struct Reference {
  double dot = 0, dot_magnitude = 0, squared_l2 = 0, squared_norm = 0;

  Reference(const float* x, const float* y, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
      const double product = static_cast<double>(x[i]) * y[i];
      const double difference = static_cast<double>(x[i]) - y[i];
      dot += product;
      dot_magnitude += std::abs(product);
      squared_l2 += difference * difference;
      squared_norm += static_cast<double>(x[i]) * x[i];
    }
  }
};

TEST_P(FloatKernels, ReductionsAgreeWithDoubleAndWithScalarUpTo1025Dims) {
  std::mt19937 random(11);
  for (std::size_t n = 0; n <= 1025; ++n) {
    const Floats x(n, random);
    const Floats y(n, random);
    const Reference exact(x.data(), y.data(), n);
    const float dot = table().dot(x.data(), y.data(), n);
    const float squared_l2 = table().squared_l2(x.data(), y.data(), n);
    const float squared_norm = table().squared_norm(x.data(), n);
    expect_close(dot, exact.dot, exact.dot_magnitude, "dot", n);
    expect_close(squared_l2, exact.squared_l2, exact.squared_l2, "squared_l2", n);
    expect_close(squared_norm, exact.squared_norm, exact.squared_norm, "squared_norm", n);
    expect_close(dot, scalar().dot(x.data(), y.data(), n), exact.dot_magnitude, "dot beside scalar", n);
    expect_close(squared_l2, scalar().squared_l2(x.data(), y.data(), n), exact.squared_l2, "l2 beside scalar", n);
    expect_close(squared_norm, scalar().squared_norm(x.data(), n), exact.squared_norm, "norm beside scalar", n);
    if (HasFailure()) return;
  }
}

TEST_P(FloatKernels, EveryElementCountsOnce) {
  for (std::size_t n : {1, 3, 7, 8, 15, 16, 17, 31, 33, 63, 65, 129}) {
    std::vector<float> ones(n, 1.0f);
    for (std::size_t i = 0; i < n; ++i) {
      std::vector<float> unit(n, 0.0f);
      unit[i] = 2.0f;
      EXPECT_EQ(table().dot(unit.data(), ones.data(), n), 2.0f) << i << " of " << n;
      EXPECT_EQ(table().squared_norm(unit.data(), n), 4.0f) << i << " of " << n;
      EXPECT_EQ(table().squared_l2(unit.data(), ones.data(), n), static_cast<float>(n)) << i << " of " << n;
    }
  }
}

TEST_P(FloatKernels, AxpyAddsToExactlyItsElements) {
  std::mt19937 random(12);
  for (std::size_t n = 0; n <= 1025; ++n) {
    const Floats x(n, random);
    Floats y(n, random);
    const Floats before = y;
    table().axpy(0.75f, x.data(), y.data(), n);
    EXPECT_EQ(y.all[0], before.all[0]) << "the element in front, " << n << " dims";
    for (std::size_t i = 0; i < n; ++i) {
      const double expected = 0.75 * x.data()[i] + before.data()[i];
      ASSERT_NEAR(y.data()[i], expected, tolerance) << i << " of " << n;
    }
  }
}

struct Shape {
  std::size_t m, n, k;
};

/// One below, at and above each block of rows, columns and depth that a table uses, and tiny ones.
const std::vector<Shape> shapes = {
    {1, 1, 1},    {1, 3, 2},    {2, 2, 3},     {3, 4, 5},    {4, 5, 7},     {5, 6, 8},     {5, 16, 9},
    {7, 63, 15},  {8, 64, 16},  {9, 65, 17},   {13, 66, 31}, {4, 15, 33},   {3, 129, 64},  {2, 7, 511},
    {6, 11, 512}, {5, 12, 513}, {3, 13, 1024}, {2, 5, 1025}, {1, 256, 384}, {17, 70, 384}, {2, 9, 3072},
};

TEST_P(FloatKernels, MultiplyAgreesWithDouble) {
  std::mt19937 random(13);
  for (const auto& [m, n, k] : shapes) {
    const Floats a(m * k, random);
    const Floats bt(n * k, random);
    Floats c(m * n, random);
    const float front = c.all[0];
    table().multiply(a.data(), bt.data(), c.data(), m, n, k);
    EXPECT_EQ(c.all[0], front);
    for (std::size_t i = 0; i < m; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        const Reference exact(a.data() + i * k, bt.data() + j * k, k);
        ASSERT_LE(std::abs(c.data()[i * n + j] - exact.dot), tolerance * exact.dot_magnitude)
            << "element " << i << ", " << j << " of " << m << " x " << n << " x " << k;
      }
    }
  }
}

TEST_P(FloatKernels, MultiplyOfARowDoesNotDependOnItsCompany) {
  std::mt19937 random(14);
  for (const auto& [m, n, k] : shapes) {
    const Floats a(m * k, random);
    const Floats bt(n * k, random);
    std::vector<float> together(m * n);
    std::vector<float> alone(n);
    table().multiply(a.data(), bt.data(), together.data(), m, n, k);
    for (std::size_t i = 0; i < m; ++i) {
      table().multiply(a.data() + i * k, bt.data(), alone.data(), 1, n, k);
      ASSERT_EQ(std::memcmp(alone.data(), together.data() + i * n, n * sizeof(float)), 0)
          << "row " << i << " of " << m << " x " << n << " x " << k;
    }
  }
}

TEST_P(FloatKernels, MultiplyOfAColumnDoesNotDependOnItsCompany) {
  std::mt19937 random(15);
  const std::size_t m = 5, n = 67, k = 530;
  const Floats a(m * k, random);
  const Floats bt(n * k, random);
  std::vector<float> together(m * n);
  std::vector<float> alone(m);
  table().multiply(a.data(), bt.data(), together.data(), m, n, k);
  for (std::size_t j = 0; j < n; ++j) {
    table().multiply(a.data(), bt.data() + j * k, alone.data(), m, 1, k);
    for (std::size_t i = 0; i < m; ++i) ASSERT_EQ(alone[i], together[i * n + j]) << "element " << i << ", " << j;
  }
}

TEST_P(FloatKernels, MultiplyWithoutDepthIsZeroAndWithoutRowsWritesNothing) {
  std::vector<float> c(6, 7.0f);
  table().multiply(nullptr, nullptr, c.data(), 2, 2, 0);
  EXPECT_EQ(c, (std::vector<float>{0, 0, 0, 0, 7, 7}));
  const float one = 1.0f;
  table().multiply(nullptr, &one, c.data() + 4, 0, 1, 1);
  table().multiply(&one, nullptr, c.data() + 4, 1, 0, 1);
  EXPECT_EQ(c[4], 7.0f);
}

INSTANTIATE_TEST_SUITE_P(Kernel, FloatKernels, testing::ValuesIn(compiled_tables()), table_name);

}  // namespace
