#include "code/rates.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace embedless::code {
namespace {

std::vector<double> decaying(std::size_t count, double decay) {
  std::vector<double> variances;
  for (std::size_t i = 0; i < count; ++i) variances.push_back(std::pow(1.0 + static_cast<double>(i), -decay));
  return variances;
}

double sum(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

TEST(Rates, SpendTheBudgetOnOneWaterLevel) {
  for (const double decay : {0.0, 0.5, 1.0, 3.0, 8.0}) {
    for (const std::size_t bytes : {std::size_t{1}, std::size_t{8}, std::size_t{48}, std::size_t{255}}) {
      const std::vector<double> variances = decaying(384, decay);
      const std::vector<double> found = rates(variances, bytes);
      EXPECT_NEAR(sum(found), 8.0 * static_cast<double>(bytes), 1e-6);
      // What a component keeps as error is theta wherever its rate is neither 0 nor 8, less or more only there.
      double theta = 0;
      for (std::size_t i = 0; i < found.size(); ++i) {
        if (found[i] > 1e-9 && found[i] < 8 - 1e-9) theta = variances[i] / std::exp2(2 * found[i]);
      }
      for (std::size_t i = 0; theta > 0 && i < found.size(); ++i) {
        const double left = variances[i] / std::exp2(2 * found[i]);
        if (found[i] > 1e-9 && found[i] < 8 - 1e-9) {
          EXPECT_NEAR(left, theta, 1e-6 * theta);
        }
        if (found[i] <= 1e-9) {
          EXPECT_LE(left, theta * (1 + 1e-6));
        }
        if (found[i] >= 8 - 1e-9) {
          EXPECT_GE(left, theta * (1 - 1e-6));
        }
      }
    }
  }
}

TEST(Rates, AreFullWhereBytesAreNotScarce) {
  for (const std::size_t count : {std::size_t{1}, std::size_t{5}, std::size_t{48}}) {
    EXPECT_EQ(rates(decaying(count, 1), 48), std::vector<double>(count, 8.0));
  }
}

TEST(Rates, SurviveTinyAndHugeVariances) {
  for (const double size : {1e-30, 1e30}) {
    std::vector<double> variances = decaying(100, 2);
    for (double& variance : variances) variance *= size;
    EXPECT_NEAR(sum(rates(variances, 10)), 80, 1e-6);
  }
}

TEST(SubspaceStarts, FollowTheFormula) {
  const std::vector<double> spent{8, 6, 4, 4, 3,
                                  3, 2, 2, 0, 0};  // bits before the middle: 4 11 16 20 23.5 26.5 29 31 32 32
  EXPECT_EQ(subspace_starts(spent, 4), (std::vector<std::uint32_t>{0, 1, 2, 5, 10}));
}

TEST(SubspaceStarts, DropEmptyRuns) {
  const std::vector<double> spent{8, 8, 8};
  EXPECT_EQ(subspace_starts(spent, 48), (std::vector<std::uint32_t>{0, 1, 2, 3}));
  EXPECT_EQ(subspace_starts(spent, 1), (std::vector<std::uint32_t>{0, 3}));
}

TEST(SubspaceStarts, AlwaysPartitionTheComponents) {
  for (const double decay : {0.0, 0.4, 1.0, 2.0, 6.0}) {
    for (std::size_t dims = 1; dims < 200; dims += 7) {
      for (const std::size_t bytes : {std::size_t{1}, std::size_t{3}, std::size_t{48}, std::size_t{255}}) {
        const std::vector<std::uint32_t> starts = subspace_starts(rates(decaying(dims, decay), bytes), bytes);
        ASSERT_EQ(starts.front(), 0u);
        ASSERT_EQ(starts.back(), dims);
        ASSERT_LE(starts.size() - 1, bytes);
        for (std::size_t j = 1; j < starts.size(); ++j) ASSERT_LT(starts[j - 1], starts[j]);
      }
    }
  }
}

}  // namespace
}  // namespace embedless::code
