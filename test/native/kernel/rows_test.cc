// The loops on rows of small numbers of every instruction set, against plain double arithmetic.
//
// Inputs lie in vectors of exactly their length, one byte behind the start, so that they are unaligned and the address
// sanitizer sees every read outside them.

#include "kernel/rows.h"

#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "kernel/instruction_set.h"

namespace kernel = embedless::kernel;

namespace {

class Rows : public InstructionSet {
 protected:
  static const kernel::RowTable& rows() { return kernel::rows(); }

  std::vector<float> query(std::size_t n) {
    std::uniform_real_distribution<float> values(-1.0f, 1.0f);
    std::vector<float> result(n);
    for (float& value : result) value = values(random_);
    return result;
  }

  /// `bytes` random bytes behind one that belongs to nobody.
  std::vector<std::uint8_t> codes(std::size_t bytes) {
    std::vector<std::uint8_t> result(bytes + 1);
    for (auto& byte : result) byte = static_cast<std::uint8_t>(random_());
    return result;
  }

  std::mt19937 random_{21};
};

/// Fails unless the sums of a query and of what its row's numbers are agree with double.
void expect_sums(const kernel::RowSums& sums, const std::vector<float>& query, const std::vector<double>& numbers) {
  double dot = 0, sum = 0, squares = 0, dot_size = 0, sum_size = 0;
  for (std::size_t i = 0; i < query.size(); ++i) {
    dot += query[i] * numbers[i];
    dot_size += std::fabs(query[i] * numbers[i]);
    sum += numbers[i];
    sum_size += std::fabs(numbers[i]);
    squares += numbers[i] * numbers[i];
  }
  EXPECT_NEAR(sums.dot, dot, 1e-5 * dot_size) << query.size() << " dims";
  EXPECT_NEAR(sums.sum, sum, 1e-5 * sum_size) << query.size() << " dims";
  EXPECT_NEAR(sums.squares, squares, 1e-5 * squares) << query.size() << " dims";
}

double half_value(std::uint16_t half) {
  const int exponent = (half >> 10) & 31;
  const double mantissa = half & 1023;
  const double size = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
  return (half & 0x8000) != 0 ? -size : size;
}

TEST_P(Rows, BelongToTheForcedTable) {
  const std::string name = GetParam()->name;
  EXPECT_EQ(name == "avx512vbmi" ? "avx512" : name, rows().name);
}

TEST_P(Rows, BytesAgreeWithDouble) {
  for (std::size_t n = 0; n <= 300; ++n) {
    const auto q = query(n);
    const auto c = codes(n);
    std::vector<double> numbers(c.begin() + 1, c.end());
    const kernel::RowSums sums = rows().bytes(q.data(), c.data() + 1, n);
    expect_sums(sums, q, numbers);
    EXPECT_NEAR(rows().dot_bytes(q.data(), c.data() + 1, n), sums.dot, 1e-5 * 255 * static_cast<double>(n));
  }
}

TEST_P(Rows, SignedBytesAgreeWithDouble) {
  for (std::size_t n = 0; n <= 300; ++n) {
    const auto q = query(n);
    const auto c = codes(n);
    std::vector<double> numbers(n);
    for (std::size_t i = 0; i < n; ++i) numbers[i] = c[i + 1] < 128 ? c[i + 1] : c[i + 1] - 256.0;
    expect_sums(rows().signed_bytes(q.data(), c.data() + 1, n), q, numbers);
  }
}

TEST_P(Rows, HalvesAgreeWithDoubleSubnormalsIncluded) {
  for (std::size_t n = 0; n <= 300; ++n) {
    const auto q = query(n);
    auto c = codes(2 * n);
    std::vector<double> numbers(n);
    for (std::size_t i = 0; i < n; ++i) {
      std::uint16_t half;
      std::memcpy(&half, &c[2 * i + 1], sizeof half);
      half &= n % 7 == 0 ? 0x83ff : 0xbfff;  // subnormal, or below 2
      std::memcpy(&c[2 * i + 1], &half, sizeof half);
      numbers[i] = half_value(half);
    }
    expect_sums(rows().halves(q.data(), c.data() + 1, n), q, numbers);
  }
}

TEST_P(Rows, NibblesAgreeWithDouble) {
  for (std::size_t n = 0; n <= 300; ++n) {
    const auto q = query(n);
    const std::size_t bytes = (n + 1) / 2;
    auto c = codes(bytes);
    double dot = 0;
    for (std::size_t i = 0; i < n; ++i) {
      dot += q[i] * static_cast<double>(i < bytes ? c[1 + i] & 15 : c[1 + i - bytes] >> 4);
    }
    // Of an odd number of dims the last byte's high bits stand for nothing, whatever they are.
    EXPECT_NEAR(rows().dot_nibbles(q.data(), c.data() + 1, n), dot, 1e-5 * 15 * static_cast<double>(n)) << n << " dims";
  }
}

TEST_P(Rows, EveryNumberCountsOnce) {
  for (const std::size_t n : {1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 63, 65, 130}) {
    for (std::size_t i = 0; i < n; ++i) {
      std::vector<float> q(n, 0.0f);
      q[i] = 2.0f;
      const std::vector<std::uint8_t> ones(n, 1);
      const std::vector<std::uint8_t> nibbles((n + 1) / 2, 0x11);
      EXPECT_EQ(rows().dot_bytes(q.data(), ones.data(), n), 2.0f) << i << " of " << n;
      EXPECT_EQ(rows().dot_nibbles(q.data(), nibbles.data(), n), 2.0f) << i << " of " << n;
      EXPECT_EQ(rows().bytes(q.data(), ones.data(), n).sum, static_cast<float>(n)) << i << " of " << n;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kernel, Rows, testing::ValuesIn(compiled_tables()), table_name);

}  // namespace
