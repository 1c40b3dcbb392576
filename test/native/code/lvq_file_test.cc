// What `LvqCode::load` makes of bytes that `save` did not write.

#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "base/crc32.h"
#include "base/random.h"
#include "code/lvq_reference.h"

namespace embedless::code {
namespace {

// Offsets of the saved form, version 1.
constexpr std::size_t version_at = 8;
constexpr std::size_t metric_at = 12;
constexpr std::size_t levels_at = 16;
constexpr std::size_t dims_at = 20;
constexpr std::size_t projected_at = 24;
constexpr std::size_t sides_at = 28;
constexpr std::size_t passage_unit_at = 32;
constexpr std::size_t query_unit_at = 36;
constexpr std::size_t rho_at = 40;
constexpr std::size_t mean_at = 44;
constexpr std::size_t sides_start = mean_at + 4 * 5;

constexpr float nan = std::numeric_limits<float>::quiet_NaN();

std::string verdict(const std::vector<std::uint8_t>& bytes) {
  return synthetic::error_code([&] { LvqCode::load(bytes); });
}

std::vector<std::uint8_t> sealed(std::vector<std::uint8_t> bytes) {
  const std::uint32_t crc = base::crc32(std::span(bytes).first(bytes.size() - 4));
  std::memcpy(&bytes[bytes.size() - 4], &crc, sizeof crc);
  return bytes;
}

class LvqFile : public testing::TestWithParam<lvq_reference::Kind> {
 protected:
  static std::vector<std::uint8_t> saved() {
    const std::vector<float> queries = synthetic::Source(5, 2).vectors(30);
    return LvqCode::train(synthetic::Source(5, 1).vectors(60),
                          lvq_reference::options(GetParam(), base::Metric::ip, 5, queries))
        ->save();
  }

  /// Verdict on the saved bytes with one value replaced and the checksum made good again.
  template <class T>
  std::string with(std::size_t at, T value) const {
    std::vector<std::uint8_t> bytes = bytes_;
    std::memcpy(&bytes[at], &value, sizeof value);
    return verdict(sealed(bytes));
  }

  std::vector<std::uint8_t> bytes_ = saved();
};

TEST_P(LvqFile, IsAcceptedAsSaved) {
  EXPECT_EQ(verdict(bytes_), "");
  EXPECT_EQ(verdict(sealed(bytes_)), "");
  EXPECT_TRUE(LvqCode::is_saved(bytes_));
}

TEST_P(LvqFile, AnyByteFlippedIsCorrupt) {
  for (std::size_t at = 0; at < bytes_.size(); ++at) {
    for (const unsigned bit : {0u, 3u, 7u}) {
      std::vector<std::uint8_t> bytes = bytes_;
      bytes[at] ^= static_cast<std::uint8_t>(1u << bit);
      ASSERT_EQ(verdict(bytes), "CORRUPT") << "byte " << at;
    }
  }
}

TEST_P(LvqFile, AnyOtherLengthIsCorrupt) {
  for (std::size_t length = 0; length < bytes_.size(); ++length) {
    const std::vector<std::uint8_t> cut(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(length));
    ASSERT_EQ(verdict(cut), "CORRUPT") << length;
    if (length < 4) continue;
    ASSERT_EQ(verdict(sealed(cut)), "CORRUPT") << length;
  }
  std::vector<std::uint8_t> longer = bytes_;
  longer.push_back(0);
  EXPECT_EQ(verdict(longer), "CORRUPT");
  EXPECT_EQ(verdict(sealed(longer)), "CORRUPT");
}

TEST_P(LvqFile, ANewerVersionIsSaidToBeOne) {
  EXPECT_EQ(with(version_at, 2u), "FORMAT_VERSION");
  EXPECT_EQ(with(version_at, 0u), "CORRUPT");
}

TEST_P(LvqFile, SizesThatContradictEachOtherAreCorrupt) {
  for (const std::uint32_t value : {3u, 0xffffffffu}) {
    EXPECT_EQ(with(metric_at, value), "CORRUPT");
    EXPECT_EQ(with(levels_at, value), "CORRUPT");
    EXPECT_EQ(with(sides_at, value), "CORRUPT");
  }
  for (const std::uint32_t value : {0u, 4u, 6u, 8193u, 0x80000000u, 0xffffffffu})
    EXPECT_EQ(with(dims_at, value), "CORRUPT");
  for (const std::uint32_t value : {1u, 6u, 1025u, 0xffffffffu}) EXPECT_EQ(with(projected_at, value), "CORRUPT");
  if (GetParam().projects) {
    EXPECT_EQ(with(levels_at, 2u), "CORRUPT");
    EXPECT_EQ(with(projected_at, 0u), "CORRUPT");
    EXPECT_EQ(with(sides_at, 0u), "CORRUPT");
  } else {
    EXPECT_EQ(with(sides_at, 1u), "CORRUPT");
  }
}

TEST_P(LvqFile, NumbersWithoutMeaningAreCorrupt) {
  for (const std::size_t at : {passage_unit_at, query_unit_at}) {
    for (const float unit : {0.0f, -1.0f, 3.0f, nan, 1e-38f}) EXPECT_EQ(with(at, unit), "CORRUPT") << unit;
  }
  for (const float rho : {0.0f, -0.06f, 2.0f, nan}) EXPECT_EQ(with(rho_at, rho), "CORRUPT") << rho;
  for (const float mean : {nan, 2e15f}) EXPECT_EQ(with(mean_at, mean), "CORRUPT") << mean;
  if (!GetParam().projects) return;
  for (const std::uint16_t half : {0x7c00, 0xfc00, 0x7e00}) {
    EXPECT_EQ(with(sides_start, half), "CORRUPT");
    EXPECT_EQ(with(bytes_.size() - 6, half), "CORRUPT");
  }
}

TEST_P(LvqFile, RandomBytesAreCorrupt) {
  base::Random random(3);
  for (int round = 0; round < 300; ++round) {
    std::vector<std::uint8_t> bytes = bytes_;
    for (std::size_t i = 8; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(random.next());
    const std::string found = verdict(sealed(bytes));
    EXPECT_TRUE(found == "CORRUPT" || found == "FORMAT_VERSION") << found;
  }
}

INSTANTIATE_TEST_SUITE_P(All, LvqFile, testing::ValuesIn(lvq_reference::kinds),
                         [](const testing::TestParamInfo<lvq_reference::Kind>& info) {
                           return std::string(info.param.name);
                         });

}  // namespace
}  // namespace embedless::code
