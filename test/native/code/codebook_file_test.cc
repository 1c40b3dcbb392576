// What `Codebook::load` makes of bytes that `save` did not write.

#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "base/crc32.h"
#include "base/random.h"
#include "code/codebook.h"
#include "code/synthetic.h"

namespace embedless::code {
namespace {

using synthetic::error_code;
using synthetic::Source;

// Offsets of the saved form, both versions.
constexpr std::size_t version_at = 8;
constexpr std::size_t metric_at = 12;
constexpr std::size_t dims_at = 16;
constexpr std::size_t components_at = 20;
constexpr std::size_t subspaces_at = 24;
constexpr std::size_t centroid_unit_at = 28;  // version 1 only: what follows lies 4 bytes earlier in version 2

constexpr float inf = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

class CodebookFile : public testing::TestWithParam<CodebookForm> {
 protected:
  /// With few dims and many bits a codebook is of the form `halves`.
  static std::vector<std::uint8_t> saved(base::Metric metric = base::Metric::cosine) {
    const std::size_t dims = is_first() ? 6 : 32;
    const auto codebook =
        Codebook::train(Source(dims, 1).vectors(300), {.dims = dims, .metric = metric, .bytes = is_first() ? 3u : 4u});
    EXPECT_EQ(codebook->form(), GetParam());
    return codebook->save();
  }

  static bool is_first() { return GetParam() == CodebookForm::halves; }

  static std::string verdict(const std::vector<std::uint8_t>& bytes) {
    return error_code([&] { Codebook::load(bytes); });
  }

  /// Verdict on the saved bytes with one value replaced and the checksum made good again.
  template <class T>
  std::string with(std::size_t at, T value) const {
    std::vector<std::uint8_t> bytes = bytes_;
    std::memcpy(&bytes[at], &value, sizeof value);
    return verdict(sealed(bytes));
  }

  static std::vector<std::uint8_t> sealed(std::vector<std::uint8_t> bytes) {
    const std::uint32_t crc = base::crc32(std::span(bytes).first(bytes.size() - 4));
    std::memcpy(&bytes[bytes.size() - 4], &crc, sizeof crc);
    return bytes;
  }

  std::uint32_t word(std::size_t at) const {
    std::uint32_t value;
    std::memcpy(&value, &bytes_[at], sizeof value);
    return value;
  }

  static std::size_t add_unit_at() { return is_first() ? 32 : 28; }
  static std::size_t rho_at() { return add_unit_at() + 4; }
  static std::size_t ranges_at() { return add_unit_at() + 8; }
  static std::size_t starts_at() { return add_unit_at() + 32; }
  std::size_t mean_at() const { return starts_at() + 4 * (word(subspaces_at) + 1); }
  /// Of version 2: where the steps begin.
  std::size_t rotation_at() const { return mean_at() + 4 * word(dims_at); }
  std::size_t centroids_at() const { return rotation_at() + bytes_of(word(dims_at)); }
  /// Bytes of `columns` numbers of each component.
  std::size_t bytes_of(std::size_t columns) const {
    return word(components_at) * (is_first() ? 2 * columns : 4 + columns);
  }
  /// Of version 2: where the bytes of the rotation, or of the centroids, begin.
  std::size_t behind_steps(std::size_t at) const { return at + 4 * word(components_at); }

  std::vector<std::uint8_t> bytes_ = saved();
};

TEST_P(CodebookFile, IsAcceptedAsSaved) {
  EXPECT_EQ(verdict(bytes_), "");
  EXPECT_EQ(verdict(sealed(bytes_)), "");
  EXPECT_EQ(word(version_at), is_first() ? 1u : 2u);
  EXPECT_EQ(centroids_at() + bytes_of(256) + 4, bytes_.size());
  EXPECT_EQ(Codebook::load(bytes_)->save(), bytes_);
}

TEST_P(CodebookFile, AnyByteFlippedIsCorrupt) {
  for (std::size_t at = 0; at < bytes_.size(); ++at) {
    std::vector<std::uint8_t> bytes = bytes_;
    bytes[at] ^= static_cast<std::uint8_t>(1u << (at % 8));
    ASSERT_EQ(verdict(bytes), "CORRUPT") << "byte " << at;
  }
}

TEST_P(CodebookFile, AnyOtherLengthIsCorrupt) {
  for (std::size_t length = 0; length < bytes_.size(); ++length) {
    ASSERT_EQ(verdict({bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(length)}), "CORRUPT") << length;
  }
  std::vector<std::uint8_t> longer = bytes_;
  longer.resize(longer.size() + 4);
  EXPECT_EQ(verdict(longer), "CORRUPT");
  EXPECT_EQ(verdict(sealed(longer)), "CORRUPT");
  std::vector<std::uint8_t> shorter(bytes_.begin(), bytes_.end() - 2);
  EXPECT_EQ(verdict(sealed(shorter)), "CORRUPT");
}

TEST_P(CodebookFile, ANewerVersionIsToldFromDamage) {
  EXPECT_EQ(with(version_at, std::uint32_t{3}), "FORMAT_VERSION");
  EXPECT_EQ(with(version_at, std::uint32_t{0}), "CORRUPT");
  EXPECT_EQ(with(version_at, is_first() ? 2u : 1u), "CORRUPT") << "the other version has another length";
}

TEST_P(CodebookFile, SizesThatLieAreCorrupt) {
  EXPECT_EQ(with(0, 'X'), "CORRUPT");
  EXPECT_EQ(with(metric_at, std::uint32_t{3}), "CORRUPT");
  for (const std::size_t at : {dims_at, components_at, subspaces_at}) {
    for (const std::uint32_t value :
         {0u, 1u, word(at) - 1, word(at) + 1, 1024u, 8192u, 65536u, 0x80000000u, 0xffffffffu}) {
      EXPECT_EQ(with(at, value), "CORRUPT") << "offset " << at << ", value " << value;
    }
  }
}

TEST_P(CodebookFile, SubspacesThatAreNoPartitionAreCorrupt) {
  const std::size_t subspaces = word(subspaces_at);
  for (std::size_t j = 0; j <= subspaces; ++j) {
    for (const std::uint32_t value : {word(starts_at() + 4 * j) + 1000, 0xffffffffu}) {
      EXPECT_EQ(with(starts_at() + 4 * j, value), "CORRUPT") << "start " << j;
    }
  }
  EXPECT_EQ(with(starts_at(), std::uint32_t{1}), "CORRUPT");
  EXPECT_EQ(with(starts_at() + 4, std::uint32_t{0}), "CORRUPT");
}

TEST_P(CodebookFile, NumbersThatAreNoneAreCorrupt) {
  for (const float bad : {nan, inf, -inf}) {
    for (std::size_t at = centroid_unit_at; at < starts_at(); at += 4)
      EXPECT_EQ(with(at, bad), "CORRUPT") << "offset " << at;
    EXPECT_EQ(with(mean_at(), bad), "CORRUPT");
  }
  if (!is_first()) return;
  for (const std::uint16_t bad : {std::uint16_t{0x7c00}, std::uint16_t{0xfc00}, std::uint16_t{0x7e00}}) {
    EXPECT_EQ(with(rotation_at(), bad), "CORRUPT");
    EXPECT_EQ(with(centroids_at(), bad), "CORRUPT");
    EXPECT_EQ(with(bytes_.size() - 6, bad), "CORRUPT");
  }
}

TEST_P(CodebookFile, StepsAndTheirBytesAreChecked) {
  if (is_first()) return;
  for (const std::size_t at : {rotation_at(), centroids_at()}) {
    const std::size_t last = behind_steps(at) - 4;
    for (const float bad : {nan, inf, -inf, -1.0f, -1e-30f, 1e16f}) {
      EXPECT_EQ(with(at, bad), "CORRUPT") << bad;
      EXPECT_EQ(with(last, bad), "CORRUPT") << bad;
    }
    EXPECT_EQ(with(at, 0.0f), "CORRUPT") << "numbers other than 0 that have no step";
    EXPECT_EQ(with(behind_steps(at), std::int8_t{-128}), "CORRUPT");
    for (const std::int8_t good : {std::int8_t{-127}, std::int8_t{0}, std::int8_t{127}})
      EXPECT_EQ(with(behind_steps(at), good), "");
  }
  EXPECT_EQ(with(rotation_at(), 1.5f), "CORRUPT") << "longer than any direction";
  EXPECT_EQ(with(bytes_.size() - 5, std::int8_t{-128}), "CORRUPT");
}

TEST_P(CodebookFile, AComponentOfZeroStepsIsSavedAsItWas) {
  if (is_first()) return;
  for (const std::size_t at : {rotation_at(), centroids_at()}) {
    const std::size_t columns = at == rotation_at() ? word(dims_at) : 256;
    const float none = 0;
    std::memcpy(&bytes_[at], &none, sizeof none);
    std::memset(&bytes_[behind_steps(at)], 0, columns);
  }
  bytes_ = sealed(bytes_);
  EXPECT_EQ(Codebook::load(bytes_)->save(), bytes_);
}

TEST_P(CodebookFile, StepsOfAnySizeAreSavedAsTheyWere) {
  if (is_first()) return;
  for (const float step : {1e-45f, 3e-45f, 1.7e-39f, 1e-30f, 0.3f, 1e15f}) {
    std::vector<std::uint8_t> bytes = bytes_;
    std::memcpy(&bytes[centroids_at()], &step, sizeof step);
    bytes = sealed(bytes);
    EXPECT_EQ(Codebook::load(bytes)->save(), bytes) << step;
  }
}

TEST_P(CodebookFile, ConstantsOutOfRangeAreCorrupt) {
  for (const float unit : {0.0f, -1.0f, 3.0f, 1e-38f, 0x1p120f}) {
    if (is_first()) {
      EXPECT_EQ(with(centroid_unit_at, unit), "CORRUPT") << unit;
    }
    EXPECT_EQ(with(add_unit_at(), unit), "CORRUPT") << unit;
  }
  for (const float rho : {0.0f, -0.06f, 2.0f}) EXPECT_EQ(with(rho_at(), rho), "CORRUPT") << rho;
  for (std::size_t range = 0; range < 3; ++range) {
    EXPECT_EQ(with(ranges_at() + 8 * range, 1e20f), "CORRUPT") << "upside down";
    EXPECT_EQ(with(ranges_at() + 8 * range + 4, 1e38f), "CORRUPT") << "too large";
  }
  bytes_ = saved(base::Metric::l2);
  EXPECT_EQ(with(ranges_at() + 20, 81.0f), "CORRUPT") << "an error of e^81";
}

TEST_P(CodebookFile, RandomBytesUnderAGoodChecksumNeverCrash) {
  base::Random random(1);
  for (int round = 0; round < 3000; ++round) {
    std::vector<std::uint8_t> bytes = bytes_;
    for (std::uint64_t changes = 1 + random.below(4); changes > 0; --changes) {
      bytes[random.below(starts_at() + 40)] = static_cast<std::uint8_t>(random.next());
    }
    const std::string code = verdict(sealed(bytes));
    ASSERT_TRUE(code.empty() || code == "CORRUPT" || code == "FORMAT_VERSION") << code;
  }
}

INSTANTIATE_TEST_SUITE_P(Forms, CodebookFile, testing::Values(CodebookForm::halves, CodebookForm::bytes),
                         [](const auto& form) { return form.param == CodebookForm::halves ? "Halves" : "Bytes"; });

}  // namespace
}  // namespace embedless::code
