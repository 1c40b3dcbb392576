#include "code/factors.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/random.h"

namespace embedless::code {
namespace {

constexpr FactorRanges cosine_ranges{.scale = {0.5f, 2.0f}, .add = {-0.4f, 0.4f}, .error = {0.1f, 1.1f}};
constexpr FactorRanges wide_ranges{.error = {-5.0f, 5.0f}, .add_unit = 256.0f};

/// Writes all three, reads them back and checks that reader and writer agree to the bit.
Factors round_trip(const FactorCoder& coder, const Factors& in, std::vector<FactorException>& exceptions) {
  std::uint8_t bytes[5] = {};
  Factors written;
  written.scale = coder.write_scale(in.scale, 7, bytes, exceptions);
  written.add = coder.write_add(in.add, 7, bytes, exceptions);
  written.error = coder.write_error(in.error, 7, bytes, exceptions);
  const Factors read = coder.read(bytes, exceptions.data(), exceptions.size());
  EXPECT_EQ(read.scale, written.scale);
  EXPECT_EQ(read.add, written.add);
  EXPECT_EQ(read.error, written.error);
  return read;
}

TEST(CosineFactors, AreWithinHalfAStep) {
  const FactorCoder coder(base::Metric::cosine, cosine_ranges);
  EXPECT_EQ(coder.bytes(), 3u);
  base::Random random(1);
  for (int i = 0; i < 1000; ++i) {
    const auto at = [&](ByteRange r) {
      return r.low + (r.high - r.low) * static_cast<float>(0.5 + 0.5 * random.symmetric());
    };
    const Factors in{at(cosine_ranges.scale), at(cosine_ranges.add), at(cosine_ranges.error)};
    std::vector<FactorException> exceptions;
    const Factors out = round_trip(coder, in, exceptions);
    EXPECT_TRUE(exceptions.empty());
    EXPECT_NEAR(out.scale, in.scale, cosine_ranges.scale.step() * 0.501f);
    EXPECT_NEAR(out.add, in.add, cosine_ranges.add.step() * 0.501f);
    EXPECT_NEAR(out.error, in.error, cosine_ranges.error.step() * 0.501f);
  }
}

TEST(CosineFactors, OutsideTheRangeAreKeptExactly) {
  const FactorCoder coder(base::Metric::cosine, cosine_ranges);
  for (const Factors in :
       {Factors{0.4999f, -0.4001f, 0.0999f}, Factors{2.0001f, 0.4001f, 1.1001f}, Factors{0, 1e9f, -1e9f}}) {
    std::vector<FactorException> exceptions;
    const Factors out = round_trip(coder, in, exceptions);
    ASSERT_EQ(exceptions.size(), 3u);
    EXPECT_EQ(exceptions[0].row, 7);
    EXPECT_EQ(out.scale, in.scale);
    EXPECT_EQ(out.add, in.add);
    EXPECT_EQ(out.error, in.error);
  }
  std::vector<FactorException> none;
  round_trip(coder, {0.5f, 0.4f, 1.1f}, none);
  EXPECT_TRUE(none.empty());
}

TEST(CosineFactors, ARangeWithoutWidthHoldsOneValue) {
  const FactorCoder coder(base::Metric::cosine, {.scale = {1, 1}, .add = {0, 0}, .error = {0, 0}});
  std::vector<FactorException> exceptions;
  round_trip(coder, {1, 0, 0}, exceptions);
  EXPECT_TRUE(exceptions.empty());
  const Factors out = round_trip(coder, {1, 0.5f, 0}, exceptions);
  ASSERT_EQ(exceptions.size(), 1u);
  EXPECT_EQ(out.add, 0.5f);
}

TEST(WideFactors, KeepTheirRelativePrecision) {
  for (const base::Metric metric : {base::Metric::ip, base::Metric::l2}) {
    const FactorCoder coder(metric, wide_ranges);
    EXPECT_EQ(coder.bytes(), 5u);
    base::Random random(2);
    for (int i = 0; i < 1000; ++i) {
      const auto spread = [&](double octaves) { return static_cast<float>(std::exp2(octaves * random.symmetric())); };
      const Factors in{-spread(13), 256.0f * spread(13), spread(7)};
      std::vector<FactorException> exceptions;
      const Factors out = round_trip(coder, in, exceptions);
      EXPECT_TRUE(exceptions.empty());
      EXPECT_NEAR(out.scale / in.scale, 1, 0x1p-11);
      EXPECT_NEAR(out.add / in.add, 1, 0x1p-11);
      EXPECT_NEAR(std::log(out.error / in.error), 0, 10.0 / 254 * 0.501);
    }
  }
}

TEST(WideFactors, OutsideTheRangeAreKeptExactly) {
  const FactorCoder coder(base::Metric::l2, wide_ranges);
  for (const Factors in : {Factors{1e6f, 1e9f, 1e4f}, Factors{-1e-6f, 1e-4f, 1e-4f}, Factors{-1e30f, 1e30f, 1e30f}}) {
    std::vector<FactorException> exceptions;
    const Factors out = round_trip(coder, in, exceptions);
    ASSERT_EQ(exceptions.size(), 3u);
    EXPECT_EQ(out.scale, in.scale);
    EXPECT_EQ(out.add, in.add);
    EXPECT_EQ(out.error, in.error);
  }
}

TEST(WideFactors, ZeroNeedsNoException) {
  const FactorCoder coder(base::Metric::ip, wide_ranges);
  std::vector<FactorException> exceptions;
  const Factors out = round_trip(coder, {0, 0, 0}, exceptions);
  EXPECT_TRUE(exceptions.empty());
  EXPECT_EQ(out.scale, 0);
  EXPECT_EQ(out.add, 0);
  EXPECT_EQ(out.error, 0);
}

TEST(FitRanges, WidensThePercentilesFourTimes) {
  std::vector<Factors> sample;
  for (int i = 0; i <= 1000; ++i) {
    const auto value = static_cast<float>(i);
    sample.push_back({value, -value, value + 5000});
  }
  const FactorRanges ranges = fit_ranges(base::Metric::cosine, sample);
  EXPECT_NEAR(ranges.scale.low, 1 - 1.5 * 998, 1e-3);
  EXPECT_NEAR(ranges.scale.high, 999 + 1.5 * 998, 1e-3);
  EXPECT_NEAR(ranges.add.low, -999 - 1.5 * 998, 1e-3);
  EXPECT_NEAR(ranges.error.high, 5999 + 1.5 * 998, 1e-3);
}

TEST(FitRanges, WorksOnLogarithmsWhereNormsVary) {
  std::vector<Factors> sample;
  for (int i = 0; i <= 1000; ++i) {
    sample.push_back({1, 1000, static_cast<float>(std::exp(i / 1000.0))});
    sample.push_back({0, 0, 0});
  }
  const FactorRanges ranges = fit_ranges(base::Metric::l2, sample);
  EXPECT_NEAR(ranges.error.low, 0.001 - 1.5 * 0.998, 1e-4);
  EXPECT_NEAR(ranges.error.high, 0.999 + 1.5 * 0.998, 1e-4);
  EXPECT_EQ(ranges.add_unit, 512.0f);
}

TEST(FitRanges, NothingButZerosIsLegal) {
  const std::vector<Factors> sample(3);
  for (const base::Metric metric : {base::Metric::cosine, base::Metric::ip, base::Metric::l2}) {
    const FactorRanges ranges = fit_ranges(metric, sample);
    EXPECT_EQ(ranges.add_unit, 1.0f);
    EXPECT_EQ(ranges.scale.high, 0);
    std::vector<FactorException> exceptions;
    const Factors out = round_trip(FactorCoder(metric, ranges), {1.5f, 0.25f, 0.75f}, exceptions);
    EXPECT_EQ(out.scale, 1.5f);
    EXPECT_EQ(out.error, 0.75f);
  }
}

}  // namespace
}  // namespace embedless::code
