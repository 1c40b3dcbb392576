// Numbers to 4 and 8 bits and back.

#include "code/lvq.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace embedless::code {
namespace {

constexpr LvqLevels all_levels[] = {LvqLevels::lvq4, LvqLevels::lvq8, LvqLevels::lvq4x8};

/// Steps between the limits, both levels together.
double steps(LvqLevels levels) { return levels == LvqLevels::lvq8 ? 255 : levels == LvqLevels::lvq4 ? 15 : 15 * 255; }

std::vector<float> numbers(std::size_t count, std::uint32_t seed, float size) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.3f, 1.0f);
  std::vector<float> result(count);
  for (float& value : result) value = size * normal(random);
  return result;
}

std::vector<float> there_and_back(LvqLevels levels, const std::vector<float>& vector) {
  std::vector<std::uint8_t> codes(lvq_bytes(levels, vector.size()));
  const LvqLimits limits = write_lvq(levels, vector.data(), vector.size(), codes.data());
  std::vector<float> back(vector.size());
  read_lvq(levels, limits, codes.data(), back.size(), back.data());
  return back;
}

TEST(Lvq, EveryNumberIsWithinHalfAStep) {
  for (const LvqLevels levels : all_levels) {
    for (const std::size_t count : {1, 2, 3, 7, 8, 9, 63, 64, 65, 384}) {
      for (const float size : {1e-20f, 1e-3f, 1.0f, 1e3f, 1e14f}) {
        const std::vector<float> vector = numbers(count, static_cast<std::uint32_t>(count), size);
        const auto [low, high] = std::minmax_element(vector.begin(), vector.end());
        const double step = (static_cast<double>(*high) - *low) / steps(levels);
        const std::vector<float> back = there_and_back(levels, vector);
        for (std::size_t i = 0; i < count; ++i)
          ASSERT_NEAR(back[i], vector[i], 0.501 * step + 1e-6 * size) << i << " of " << count;
      }
    }
  }
}

TEST(Lvq, TheLimitsThemselvesAreKept) {
  for (const LvqLevels levels : {LvqLevels::lvq4, LvqLevels::lvq8}) {
    const std::vector<float> back = there_and_back(levels, {-2, 5, 1, 5, -2});
    EXPECT_EQ(back[0], -2.0f);
    EXPECT_NEAR(back[1], 5.0f, 1e-6);
  }
}

TEST(Lvq, EqualAndNearlyEqualNumbersAreTheLower) {
  for (const LvqLevels levels : all_levels) {
    EXPECT_EQ(there_and_back(levels, {7, 7, 7}), (std::vector<float>{7, 7, 7}));
    EXPECT_EQ(there_and_back(levels, {0, 0}), (std::vector<float>{0, 0}));
    for (const float value : there_and_back(levels, {0, 1e-42f, -1e-42f})) EXPECT_LE(std::fabs(value), 1e-41f);
  }
}

TEST(Lvq, FourBitCodesLieAsTheKernelsExpect) {
  // 16 steps from 0 to 15, so that code i is the number itself.
  const std::vector<float> vector{0, 15, 3, 9, 12};
  std::vector<std::uint8_t> codes(lvq_bytes(LvqLevels::lvq4, 5));
  const LvqLimits limits = write_lvq(LvqLevels::lvq4, vector.data(), 5, codes.data());
  EXPECT_EQ(limits.low, 0.0f);
  EXPECT_EQ(limits.step, 1.0f);
  EXPECT_EQ(codes, (std::vector<std::uint8_t>{0x90, 0xcf, 0x03}));
}

TEST(Lvq, SizesAreThoseOfTheCodes) {
  EXPECT_EQ(lvq_bytes(LvqLevels::lvq4, 7), 4u);
  EXPECT_EQ(lvq_bytes(LvqLevels::lvq8, 7), 7u);
  EXPECT_EQ(lvq_bytes(LvqLevels::lvq4x8, 7), 11u);
  EXPECT_EQ(lvq_first_bytes(LvqLevels::lvq4x8, 7), 4u);
}

}  // namespace
}  // namespace embedless::code
