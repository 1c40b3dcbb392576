#include "base/float16.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/random.h"

namespace embedless::base {
namespace {

TEST(Float16, EveryFiniteHalfComesBack) {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    if (!half_is_finite(half)) continue;
    ASSERT_EQ(to_half(from_half(half)), half) << bits;
  }
}

TEST(Float16, ReadsKnownValues) {
  EXPECT_EQ(from_half(0x0000), 0.0f);
  EXPECT_TRUE(std::signbit(from_half(0x8000)));
  EXPECT_EQ(from_half(0x0001), 0x1p-24f);
  EXPECT_EQ(from_half(0x0400), half_min_normal);
  EXPECT_EQ(from_half(0x3c00), 1.0f);
  EXPECT_EQ(from_half(0xc000), -2.0f);
  EXPECT_EQ(from_half(0x7bff), half_max);
  EXPECT_TRUE(std::isinf(from_half(0x7c00)));
  EXPECT_TRUE(std::isnan(from_half(0x7e00)));
}

TEST(Float16, RoundsToTheNearestAndTiesToEven) {
  Random random(3);
  for (int i = 0; i < 200000; ++i) {
    const double magnitude = std::exp2(random.symmetric() * 20 - 5);
    const float value = static_cast<float>(random.symmetric() * magnitude);
    if (std::fabs(value) > half_max) continue;
    const std::uint16_t half = to_half(value);
    const double error = std::fabs(static_cast<double>(from_half(half)) - value);
    for (const int step : {-1, 1}) {
      const auto neighbor = static_cast<std::uint16_t>(half + step);
      if (!half_is_finite(neighbor) || (neighbor ^ half) & 0x8000u) continue;
      ASSERT_LE(error, std::fabs(static_cast<double>(from_half(neighbor)) - value)) << value;
    }
  }
  EXPECT_EQ(to_half(1.0f + 0x1p-11f), 0x3c00);
  EXPECT_EQ(to_half(1.0f + 3 * 0x1p-11f), 0x3c02);
  EXPECT_EQ(to_half(0x1p-25f), 0x0000);
  EXPECT_EQ(to_half(3 * 0x1p-25f), 0x0002);
}

TEST(Float16, OverflowsToInfinity) {
  EXPECT_EQ(to_half(65519.0f), 0x7bff);
  EXPECT_EQ(to_half(65520.0f), 0x7c00);
  EXPECT_EQ(to_half(-1e30f), 0xfc00);
  EXPECT_EQ(to_half(std::numeric_limits<float>::infinity()), 0x7c00);
  EXPECT_FALSE(half_is_finite(to_half(std::numeric_limits<float>::quiet_NaN())));
}

}  // namespace
}  // namespace embedless::base
