#include "code/kmeans.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <set>

#include "code/codebook.h"
#include "code/synthetic.h"

namespace embedless::code {
namespace {

struct Assignment {
  std::vector<std::size_t> centroid;
  double distortion = 0;
};

/// Nearest centroids in plain double; ties to the lower.
Assignment assign(const std::vector<float>& points, const std::vector<float>& centroids, std::size_t width) {
  Assignment result;
  for (std::size_t n = 0; n < points.size() / width; ++n) {
    double best = std::numeric_limits<double>::infinity();
    std::size_t chosen = 0;
    for (std::size_t c = 0; c < centroid_count; ++c) {
      double distance = 0;
      for (std::size_t i = 0; i < width; ++i) {
        const double difference = static_cast<double>(points[n * width + i]) - centroids[i * centroid_count + c];
        distance += difference * difference;
      }
      if (distance < best) {
        best = distance;
        chosen = c;
      }
    }
    result.centroid.push_back(chosen);
    result.distortion += best;
  }
  return result;
}

TEST(Kmeans, ConvergesToTheMeansOfItsPoints) {
  const std::size_t width = 2;
  const std::size_t count = 1500;
  const std::vector<float> points = synthetic::Source(width, 4).vectors(count);
  const std::vector<float> centroids = kmeans(points, {.width = width, .rounds = 300, .seed = 1});
  const Assignment nearest = assign(points, centroids, width);
  for (std::size_t c = 0; c < centroid_count; ++c) {
    double sum[width] = {};
    double members = 0;
    for (std::size_t n = 0; n < count; ++n) {
      if (nearest.centroid[n] != c) continue;
      ++members;
      for (std::size_t i = 0; i < width; ++i) sum[i] += points[n * width + i];
    }
    for (std::size_t i = 0; members > 0 && i < width; ++i) {
      EXPECT_NEAR(centroids[i * centroid_count + c], sum[i] / members, 1e-4) << "centroid " << c;
    }
  }
}

TEST(Kmeans, RoundsReduceTheDistortion) {
  for (const std::size_t width : {1, 3, 20}) {
    const std::vector<float> points = synthetic::Source(width, 5).vectors(1000);
    const double first = assign(points, kmeans(points, {.width = width, .rounds = 0, .seed = 2}), width).distortion;
    double before = 0.95 * first;
    for (const std::size_t rounds : {1, 4, 12}) {
      const double now =
          assign(points, kmeans(points, {.width = width, .rounds = rounds, .seed = 2}), width).distortion;
      EXPECT_LE(now, before) << rounds << " rounds";
      before = now;
    }
  }
}

TEST(Kmeans, FewPointsAreTheirOwnCentroids) {
  for (const std::size_t count : {1, 2, 255, 256}) {
    const std::vector<float> points = synthetic::Source(3, 6).vectors(count);
    EXPECT_EQ(assign(points, kmeans(points, {.width = 3, .seed = 3}), 3).distortion, 0) << count << " points";
  }
}

TEST(Kmeans, FewDistinctPointsAreFound) {
  std::vector<float> points;
  for (std::size_t n = 0; n < 600; ++n) points.push_back(static_cast<float>(n % 7));
  EXPECT_LE(assign(points, kmeans(points, {.width = 1, .seed = 4}), 1).distortion, 1e-9);
}

TEST(Kmeans, DependsOnTheSeedAlone) {
  const std::vector<float> points = synthetic::Source(4, 7).vectors(900);
  const std::vector<float> first = kmeans(points, {.width = 4, .seed = 8});
  EXPECT_EQ(first, kmeans(points, {.width = 4, .seed = 8}));
  EXPECT_NE(first, kmeans(points, {.width = 4, .seed = 9}));
}

TEST(Kmeans, Stops) {
  base::StopFlag stop;
  stop.stop();
  const std::vector<float> points(100, 1.0f);
  EXPECT_THROW(kmeans(points, {.width = 1, .stop = &stop}), base::Stopped);
}

}  // namespace
}  // namespace embedless::code
