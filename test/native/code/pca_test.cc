#include "code/pca.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "code/covariance.h"
#include "code/synthetic.h"

namespace embedless::code {
namespace {

VectorReader reader_of(const std::vector<float>& vectors, std::size_t dims) {
  return [&vectors, dims](std::size_t index, float* out) { std::copy_n(&vectors[index * dims], dims, out); };
}

struct Moments {
  std::vector<double> mean;
  std::vector<double> covariance;
};

Moments plain_moments(const std::vector<float>& vectors, std::size_t dims) {
  const std::size_t count = vectors.size() / dims;
  Moments moments{std::vector<double>(dims), std::vector<double>(dims * dims)};
  for (std::size_t n = 0; n < count; ++n) {
    for (std::size_t i = 0; i < dims; ++i) moments.mean[i] += vectors[n * dims + i] / static_cast<double>(count);
  }
  for (std::size_t n = 0; n < count; ++n) {
    for (std::size_t i = 0; i < dims; ++i) {
      const double left = vectors[n * dims + i] - moments.mean[i];
      for (std::size_t j = 0; j < dims; ++j) {
        moments.covariance[i * dims + j] +=
            left * (vectors[n * dims + j] - moments.mean[j]) / static_cast<double>(count);
      }
    }
  }
  return moments;
}

void expect_moments(std::size_t count, std::size_t dims) {
  const std::vector<float> vectors = synthetic::Source(dims, 1).vectors(count);
  const VectorReader read = reader_of(vectors, dims);
  const PcaOptions options{.count = count, .dims = dims, .components = dims};
  const Moments exact = plain_moments(vectors, dims);
  const std::vector<double> mean = mean_of(read, options);
  for (std::size_t i = 0; i < dims; ++i) ASSERT_NEAR(mean[i], exact.mean[i], 1e-12);
  const std::vector<float> centre(mean.begin(), mean.end());
  const std::vector<double> covariance = covariance_of(read, centre, options);
  for (std::size_t i = 0; i < covariance.size(); ++i)
    ASSERT_NEAR(covariance[i], exact.covariance[i], 1e-5) << count << " x " << dims;
}

TEST(Covariance, AgreesWithDoubleAroundEveryChunkSize) {
  for (const std::size_t count : {1, 2, 15, 16, 17, 255, 256, 257, 2047, 2048, 2049}) expect_moments(count, 5);
}

TEST(Covariance, AgreesWithDoubleAroundTheTileSize) {
  for (const std::size_t dims : {1, 2, 127, 128, 129}) expect_moments(40, dims);
}

TEST(PcaConcurrency, IsTheSameForAnyNumberOfThreads) {
  const std::size_t dims = 140;
  const std::vector<float> vectors = synthetic::Source(dims, 2).vectors(700);
  const VectorReader read = reader_of(vectors, dims);
  const Pca one = principal_components(read, {.count = 700, .dims = dims, .components = dims, .threads = 1});
  for (const unsigned threads : {2u, 5u}) {
    const Pca many = principal_components(read, {.count = 700, .dims = dims, .components = dims, .threads = threads});
    EXPECT_EQ(one.mean, many.mean);
    EXPECT_EQ(one.variances, many.variances);
    EXPECT_EQ(one.directions, many.directions);
  }
}

TEST(Pca, VariancesAreThoseAlongTheDirections) {
  const std::size_t dims = 30;
  const std::size_t count = 2000;
  const std::vector<float> vectors = synthetic::Source(dims, 3, 1.0).vectors(count);
  const Pca pca = principal_components(reader_of(vectors, dims), {.count = count, .dims = dims, .components = dims});
  for (std::size_t k = 0; k < dims; ++k) {
    double squared = 0;
    for (std::size_t n = 0; n < count; ++n) {
      double along = 0;
      for (std::size_t i = 0; i < dims; ++i)
        along += (vectors[n * dims + i] - pca.mean[i]) * pca.directions[k * dims + i];
      squared += along * along;
    }
    EXPECT_NEAR(squared / count, pca.variances[k], 1e-4 * pca.variances[0]);
    if (k > 0) {
      EXPECT_GE(pca.variances[k - 1], pca.variances[k]);
    }
  }
}

TEST(Pca, VariancesHaveAFloor) {
  const std::size_t dims = 10;
  std::vector<float> vectors(50 * dims);
  for (std::size_t n = 0; n < 50; ++n) vectors[n * dims] = static_cast<float>(n);
  const Pca pca = principal_components(reader_of(vectors, dims), {.count = 50, .dims = dims, .components = dims});
  for (std::size_t k = 1; k < dims; ++k) EXPECT_NEAR(pca.variances[k] / pca.variances[0], 1e-7, 1e-10);
}

TEST(Pca, EqualVectorsShareEvenly) {
  const std::size_t dims = 6;
  const std::vector<float> vectors(9 * dims, 0.25f);
  const Pca pca = principal_components(reader_of(vectors, dims), {.count = 9, .dims = dims, .components = dims});
  EXPECT_EQ(pca.mean, std::vector<float>(dims, 0.25f));
  EXPECT_EQ(pca.variances, std::vector<double>(dims, 1.0));
}

}  // namespace
}  // namespace embedless::code
