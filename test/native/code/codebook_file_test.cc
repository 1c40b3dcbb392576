// What `Codebook::load` makes of bytes that `save` did not write.

#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "code/codebook.h"
#include "code/crc32.h"
#include "code/random.h"
#include "code/synthetic.h"

namespace embedless::code {
namespace {

// Offsets of the saved form, version 1.
constexpr size_t version_at = 8;
constexpr size_t metric_at = 12;
constexpr size_t dims_at = 16;
constexpr size_t components_at = 20;
constexpr size_t subspaces_at = 24;
constexpr size_t centroid_unit_at = 28;
constexpr size_t add_unit_at = 32;
constexpr size_t rho_at = 36;
constexpr size_t ranges_at = 40;
constexpr size_t starts_at = 64;

constexpr float inf = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

class CodebookFile : public testing::Test {
 protected:
  static std::vector<uint8_t> saved(Metric metric = Metric::cosine) {
    return Codebook::train(synthetic::Source(6, 1).vectors(300), {.dims = 6, .metric = metric, .bytes = 3})->save();
  }

  static std::string verdict(const std::vector<uint8_t>& bytes) {
    return synthetic::error_code([&] { Codebook::load(bytes); });
  }

  /// Verdict on the saved bytes with one value replaced and the checksum made good again.
  template <class T>
  std::string with(size_t at, T value) const {
    std::vector<uint8_t> bytes = bytes_;
    std::memcpy(&bytes[at], &value, sizeof value);
    return verdict(sealed(bytes));
  }

  static std::vector<uint8_t> sealed(std::vector<uint8_t> bytes) {
    const uint32_t crc = crc32(std::span(bytes).first(bytes.size() - 4));
    std::memcpy(&bytes[bytes.size() - 4], &crc, sizeof crc);
    return bytes;
  }

  uint32_t word(size_t at) const {
    uint32_t value;
    std::memcpy(&value, &bytes_[at], sizeof value);
    return value;
  }

  size_t mean_at() const { return starts_at + 4 * (word(subspaces_at) + 1); }
  size_t rotation_at() const { return mean_at() + 4 * word(dims_at); }
  size_t centroids_at() const { return rotation_at() + 2 * word(dims_at) * word(components_at); }

  std::vector<uint8_t> bytes_ = saved();
};

TEST_F(CodebookFile, IsAcceptedAsSaved) {
  EXPECT_EQ(verdict(bytes_), "");
  EXPECT_EQ(verdict(sealed(bytes_)), "");
  EXPECT_EQ(centroids_at() + 2 * 256 * word(components_at) + 4, bytes_.size());
}

TEST_F(CodebookFile, AnyByteFlippedIsCorrupt) {
  for (size_t at = 0; at < bytes_.size(); ++at) {
    std::vector<uint8_t> bytes = bytes_;
    bytes[at] ^= static_cast<uint8_t>(1u << (at % 8));
    ASSERT_EQ(verdict(bytes), "CORRUPT") << "byte " << at;
  }
}

TEST_F(CodebookFile, AnyOtherLengthIsCorrupt) {
  for (size_t length = 0; length < bytes_.size(); ++length) {
    ASSERT_EQ(verdict({bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(length)}), "CORRUPT") << length;
  }
  std::vector<uint8_t> longer = bytes_;
  longer.resize(longer.size() + 4);
  EXPECT_EQ(verdict(longer), "CORRUPT");
  EXPECT_EQ(verdict(sealed(longer)), "CORRUPT");
  std::vector<uint8_t> shorter(bytes_.begin(), bytes_.end() - 2);
  EXPECT_EQ(verdict(sealed(shorter)), "CORRUPT");
}

TEST_F(CodebookFile, ANewerVersionIsToldFromDamage) {
  EXPECT_EQ(with(version_at, uint32_t{2}), "FORMAT_VERSION");
  EXPECT_EQ(with(version_at, uint32_t{0}), "CORRUPT");
}

TEST_F(CodebookFile, SizesThatLieAreCorrupt) {
  EXPECT_EQ(with(0, 'X'), "CORRUPT");
  EXPECT_EQ(with(metric_at, uint32_t{3}), "CORRUPT");
  for (const size_t at : {dims_at, components_at, subspaces_at}) {
    for (const uint32_t value : {0u, 1u, word(at) + 1, 1024u, 8192u, 65536u, 0x80000000u, 0xffffffffu}) {
      EXPECT_EQ(with(at, value), "CORRUPT") << "offset " << at << ", value " << value;
    }
  }
}

TEST_F(CodebookFile, SubspacesThatAreNoPartitionAreCorrupt) {
  const size_t subspaces = word(subspaces_at);
  for (size_t j = 0; j <= subspaces; ++j) {
    for (const uint32_t value : {word(starts_at + 4 * j) + 10, 0xffffffffu}) {
      EXPECT_EQ(with(starts_at + 4 * j, value), "CORRUPT") << "start " << j;
    }
  }
  EXPECT_EQ(with(starts_at, uint32_t{1}), "CORRUPT");
  EXPECT_EQ(with(starts_at + 4, uint32_t{0}), "CORRUPT");
}

TEST_F(CodebookFile, NumbersThatAreNoneAreCorrupt) {
  for (const float bad : {nan, inf, -inf}) {
    for (size_t at = centroid_unit_at; at < starts_at; at += 4) EXPECT_EQ(with(at, bad), "CORRUPT") << "offset " << at;
    EXPECT_EQ(with(mean_at(), bad), "CORRUPT");
  }
  for (const uint16_t bad : {uint16_t{0x7c00}, uint16_t{0xfc00}, uint16_t{0x7e00}}) {
    EXPECT_EQ(with(rotation_at(), bad), "CORRUPT");
    EXPECT_EQ(with(centroids_at(), bad), "CORRUPT");
    EXPECT_EQ(with(bytes_.size() - 6, bad), "CORRUPT");
  }
}

TEST_F(CodebookFile, ConstantsOutOfRangeAreCorrupt) {
  for (const float unit : {0.0f, -1.0f, 3.0f, 1e-38f, 0x1p120f}) {
    EXPECT_EQ(with(centroid_unit_at, unit), "CORRUPT") << unit;
    EXPECT_EQ(with(add_unit_at, unit), "CORRUPT") << unit;
  }
  for (const float rho : {0.0f, -0.06f, 2.0f}) EXPECT_EQ(with(rho_at, rho), "CORRUPT") << rho;
  for (size_t range = 0; range < 3; ++range) {
    EXPECT_EQ(with(ranges_at + 8 * range, 1e20f), "CORRUPT") << "upside down";
    EXPECT_EQ(with(ranges_at + 8 * range + 4, 1e38f), "CORRUPT") << "too large";
  }
  bytes_ = saved(Metric::l2);
  EXPECT_EQ(with(ranges_at + 20, 81.0f), "CORRUPT") << "an error of e^81";
}

TEST_F(CodebookFile, RandomBytesUnderAGoodChecksumNeverCrash) {
  Random random(1);
  for (int round = 0; round < 3000; ++round) {
    std::vector<uint8_t> bytes = bytes_;
    for (uint64_t changes = 1 + random.below(4); changes > 0; --changes) {
      bytes[random.below(starts_at + 40)] = static_cast<uint8_t>(random.next());
    }
    const std::string code = verdict(sealed(bytes));
    ASSERT_TRUE(code.empty() || code == "CORRUPT" || code == "FORMAT_VERSION") << code;
  }
}

}  // namespace
}  // namespace embedless::code
