// lookup and scan_block of every instruction set: exact sums, and estimates that are the same bits everywhere.

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernel/instruction_set.h"

namespace kernel = embedless::kernel;
using kernel::block_nodes;
using kernel::FactorForm;

namespace {

using Scan = InstructionSet;

/// One query and one block in vectors of exactly their length, every array one byte behind its start.
struct Block {
  std::size_t subspaces;
  FactorForm form;
  std::vector<std::uint8_t> tables, codes, scale, add;

  Block(std::size_t subspaces_, FactorForm form_, unsigned seed)
      : subspaces(subspaces_),
        form(form_),
        tables(1 + subspaces_ * 256),
        codes(1 + subspaces_ * block_nodes),
        scale(1 + factor_bytes(form_)),
        add(1 + factor_bytes(form_)) {
    std::mt19937 random(seed);
    for (auto* bytes : {&tables, &codes, &scale, &add}) {
      for (auto& byte : *bytes) byte = static_cast<std::uint8_t>(random() >> 7);
    }
    if (form == FactorForm::half) {
      for (auto* bytes : {&scale, &add}) make_finite(*bytes);
    }
  }

  static std::size_t factor_bytes(FactorForm form) { return form == FactorForm::byte ? block_nodes : 2 * block_nodes; }

  /// Clears one bit of the exponent of each float16, which leaves subnormal values in.
  static void make_finite(std::vector<std::uint8_t>& halves) {
    const unsigned top = std::endian::native == std::endian::little ? 1 : 0;
    for (std::size_t i = 0; i < block_nodes; ++i) halves[1 + 2 * i + top] &= 0xbfu;
  }

  kernel::ScanQuery query() const {
    return {tables.data() + 1, subspaces, -2.75f, 0.0013f, 0.8f, 0.0021f, -0.31f, 0.0017f, 0.123f, -1.0f, 2.0f, form};
  }
  kernel::BlockView view() const { return {codes.data() + 1, scale.data() + 1, add.data() + 1}; }

  std::uint16_t sum(std::size_t node) const {
    unsigned total = 0;
    for (std::size_t j = 0; j < subspaces; ++j) total += tables[1 + j * 256 + codes[1 + j * block_nodes + node]];
    return static_cast<std::uint16_t>(total);
  }
};

const std::size_t sizes[] = {0, 1, 2, 3, 7, 16, 47, 48, 49, 96, 255, 256, 257};

std::vector<std::uint16_t> lookup(const kernel::Table& table, const Block& block) {
  std::vector<std::uint16_t> sums(block_nodes + 2, 0xabcd);
  table.lookup(block.query(), block.view().codes, sums.data() + 1);
  EXPECT_EQ(sums.front(), 0xabcd);
  EXPECT_EQ(sums.back(), 0xabcd);
  return {sums.begin() + 1, sums.end() - 1};
}

TEST_P(Scan, LookupIsExact) {
  for (const std::size_t subspaces : sizes) {
    const Block block(subspaces, FactorForm::byte, 100 + static_cast<unsigned>(subspaces));
    const auto sums = lookup(table(), block);
    for (std::size_t i = 0; i < block_nodes; ++i) {
      ASSERT_EQ(sums[i], block.sum(i)) << "node " << i << " of " << subspaces << " subspaces";
    }
  }
}

TEST_P(Scan, LookupReadsEveryEntryForEveryNode) {
  Block block(1, FactorForm::byte, 1);
  for (unsigned entry = 0; entry < 256; ++entry) block.tables[1 + entry] = static_cast<std::uint8_t>(entry * 167 + 13);
  for (unsigned shift = 0; shift < 256; ++shift) {
    for (unsigned i = 0; i < block_nodes; ++i) block.codes[1 + i] = static_cast<std::uint8_t>(i + shift);
    const auto sums = lookup(table(), block);
    for (std::size_t i = 0; i < block_nodes; ++i) {
      ASSERT_EQ(sums[i], block.sum(i)) << "code " << (i + shift) % 256 << " of node " << i;
    }
  }
}

TEST_P(Scan, LookupReachesTheLargestSumWithoutOverflow) {
  for (const std::size_t subspaces : sizes) {
    Block block(subspaces, FactorForm::byte, 2);
    std::fill(block.tables.begin(), block.tables.end(), std::uint8_t{255});
    for (const std::uint16_t sum : lookup(table(), block)) ASSERT_EQ(sum, 255 * subspaces);
    std::fill(block.tables.begin(), block.tables.end(), std::uint8_t{0});
    for (const std::uint16_t sum : lookup(table(), block)) ASSERT_EQ(sum, 0);
  }
  static_assert(255 * kernel::max_subspaces == std::numeric_limits<std::uint16_t>::max());
}

TEST_P(Scan, LookupSeparatesNeighbours) {
  Block block(kernel::max_subspaces, FactorForm::byte, 3);
  for (std::size_t i = 1; i < block.tables.size(); ++i) block.tables[i] = (i - 1) % 256 < 128 ? 0 : 255;
  for (std::size_t i = 1; i < block.codes.size(); ++i) block.codes[i] = (i - 1) % 2 == 0 ? 3 : 200;
  const auto sums = lookup(table(), block);
  for (std::size_t i = 0; i < block_nodes; ++i) ASSERT_EQ(sums[i], i % 2 == 0 ? 0 : 65'535) << "node " << i;
}

std::vector<float> scan(const kernel::Table& table, const Block& block, float threshold, std::uint64_t& mask) {
  std::vector<float> estimates(block_nodes + 2, -77.0f);
  mask = table.scan_block(block.query(), block.view(), threshold, estimates.data() + 1);
  EXPECT_EQ(estimates.front(), -77.0f);
  EXPECT_EQ(estimates.back(), -77.0f);
  return {estimates.begin() + 1, estimates.end() - 1};
}

TEST_P(Scan, EstimatesAreTheSameBitsAsScalar) {
  for (const FactorForm form : {FactorForm::byte, FactorForm::half}) {
    for (const std::size_t subspaces : sizes) {
      for (unsigned seed = 0; seed < 20; ++seed) {
        const Block block(subspaces, form, seed);
        std::uint64_t mask = 0;
        std::uint64_t expected_mask = 0;
        const auto estimates = scan(table(), block, 0.0f, mask);
        const auto expected = scan(scalar(), block, 0.0f, expected_mask);
        ASSERT_EQ(std::memcmp(estimates.data(), expected.data(), block_nodes * sizeof(float)), 0)
            << subspaces << " subspaces, seed " << seed;
        ASSERT_EQ(mask, expected_mask);
      }
    }
  }
}

/// Independent of any table: IEEE 754-2008 binary16 by its definition.
double half_value(const std::uint8_t* bytes) {
  std::uint16_t half = 0;
  std::memcpy(&half, bytes, sizeof half);
  const int exponent = (half >> 10) & 31;
  const int mantissa = half & 1023;
  const double magnitude = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(mantissa + 1024, exponent - 25);
  return (half & 0x8000) != 0 ? -magnitude : magnitude;
}

double exact_estimate(const Block& block, std::size_t node) {
  const auto query = block.query();
  const auto view = block.view();
  const bool byte = block.form == FactorForm::byte;
  const double scale = byte ? query.scale_low + static_cast<double>(query.scale_step) * view.scale[node]
                            : half_value(view.scale + 2 * node);
  const double add =
      byte ? query.add_low + static_cast<double>(query.add_step) * view.add[node] : half_value(view.add + 2 * node);
  const double sum = query.sum_offset + static_cast<double>(query.sum_step) * block.sum(node);
  return query.base + query.add_sign * add + query.sum_factor * scale * sum;
}

TEST_P(Scan, EstimatesFollowTheFormula) {
  for (const FactorForm form : {FactorForm::byte, FactorForm::half}) {
    const Block block(48, form, 21);
    std::uint64_t mask = 0;
    const auto estimates = scan(table(), block, 0.0f, mask);
    for (std::size_t i = 0; i < block_nodes; ++i) {
      const double expected = exact_estimate(block, i);
      EXPECT_NEAR(estimates[i], expected, 1e-5 * std::max(1.0, std::abs(expected))) << "node " << i;
    }
  }
}

TEST_P(Scan, ReadsEveryFloat16) {
  Block block(1, FactorForm::half, 5);
  for (unsigned first = 0; first < 65'536; first += block_nodes) {
    for (unsigned i = 0; i < block_nodes; ++i) {
      auto half = static_cast<std::uint16_t>(first + i);
      if ((half & 0x7c00) == 0x7c00) half = 0;  // infinite and not a number: never stored
      std::memcpy(block.add.data() + 1 + 2 * i, &half, sizeof half);
      std::memset(block.scale.data() + 1 + 2 * i, 0, sizeof half);
    }
    auto query = block.query();
    query.base = 0.0f;
    query.add_sign = 1.0f;
    float estimates[block_nodes];
    table().scan_block(query, block.view(), 0.0f, estimates);
    for (std::size_t i = 0; i < block_nodes; ++i) {
      ASSERT_EQ(static_cast<double>(estimates[i]), half_value(block.view().add + 2 * i)) << "float16 " << first + i;
    }
  }
}

TEST_P(Scan, MaskHoldsExactlyWhatReachesTheThreshold) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  for (const FactorForm form : {FactorForm::byte, FactorForm::half}) {
    const Block block(48, form, 31);
    std::uint64_t mask = 0;
    const auto estimates = scan(table(), block, infinity, mask);
    EXPECT_EQ(mask, 0u);
    scan(table(), block, -infinity, mask);
    EXPECT_EQ(mask, ~std::uint64_t{0});
    for (const float at : estimates) {
      for (const float threshold : {std::nextafter(at, -infinity), at, std::nextafter(at, infinity)}) {
        std::uint64_t expected = 0;
        for (std::size_t i = 0; i < block_nodes; ++i) {
          expected |= static_cast<std::uint64_t>(estimates[i] >= threshold) << i;
        }
        scan(table(), block, threshold, mask);
        ASSERT_EQ(mask, expected) << "threshold " << threshold;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kernel, Scan, testing::ValuesIn(compiled_tables()), table_name);

}  // namespace
