#include "code/vectors.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/error.h"
#include "code/synthetic.h"

namespace embedless::code {
namespace {

constexpr float inf = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

std::string refusal(base::Metric metric, std::vector<float> vector) {
  return synthetic::error_code([&] { admit(metric, vector.data(), vector.size(), vector.data(), std::size_t{0}); });
}

TEST(Admit, CosineNormalises) {
  for (const float size : {1e-40f, 1e-20f, 1.0f, 1e20f, 3e37f}) {
    std::vector<float> vector{3 * size, 0, -4 * size};
    admit(base::Metric::cosine, vector.data(), 3, vector.data(), "a");
    EXPECT_NEAR(vector[0], 0.6, 1e-4) << size;
    EXPECT_NEAR(vector[2], -0.8, 1e-4) << size;
  }
}

TEST(Admit, OtherMetricsKeepTheVector) {
  const std::vector<float> vector{3, 0, -4};
  std::vector<float> out(3);
  for (const base::Metric metric : {base::Metric::ip, base::Metric::l2}) {
    admit(metric, vector.data(), 3, out.data(), "a");
    EXPECT_EQ(out, vector);
  }
}

TEST(Admit, RefusesWhatIsNotFinite) {
  for (const base::Metric metric : {base::Metric::cosine, base::Metric::ip, base::Metric::l2}) {
    for (const float bad : {nan, inf, -inf}) {
      for (std::size_t at = 0; at < 7; ++at) {
        std::vector<float> vector(7, 1.0f);
        vector[at] = bad;
        EXPECT_EQ(refusal(metric, vector), "INVALID_VECTOR");
      }
    }
  }
}

TEST(Admit, RefusesZeroOnlyUnderCosine) {
  EXPECT_EQ(refusal(base::Metric::cosine, {0, -0.0f, 0}), "INVALID_VECTOR");
  EXPECT_EQ(refusal(base::Metric::ip, {0, 0, 0}), "");
  EXPECT_EQ(refusal(base::Metric::l2, {0, 0, 0}), "");
}

TEST(Admit, RefusesNormsThatWouldOverflow) {
  EXPECT_EQ(refusal(base::Metric::ip, {1e15f, 1e15f}), "INVALID_VECTOR");
  EXPECT_EQ(refusal(base::Metric::l2, {9e14f, 0}), "");
  EXPECT_EQ(refusal(base::Metric::cosine, {1e30f, 0}), "");
}

TEST(Admit, NamesTheVectorAndThePosition) {
  const std::vector<float> vector{1, nan};
  float out[2];
  try {
    admit(base::Metric::ip, vector.data(), 2, out, std::size_t{41});
    FAIL();
  } catch (const base::Error& error) {
    EXPECT_NE(std::string(error.what()).find("vector 41"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("position 1"), std::string::npos) << error.what();
  }
}

TEST(CountVectors, WantsWholeVectors) {
  const std::vector<float> numbers(12);
  EXPECT_EQ(count_vectors(numbers, 4), 3u);
  EXPECT_EQ(count_vectors({}, 4), 0u);
  EXPECT_EQ(synthetic::error_code([&] { count_vectors(numbers, 5); }), "INVALID_ARGUMENT");
  EXPECT_EQ(synthetic::error_code([&] { count_vectors(numbers, 0); }), "INVALID_ARGUMENT");
}

}  // namespace
}  // namespace embedless::code
