#include "code/unbiased_scale.h"

#include <cmath>
#include <limits>

namespace embedless::code {
namespace {

constexpr double vanishing_cosine = 1e-3;

}  // namespace

double dot(const float* x, const float* y, std::size_t n) {
  double sums[4] = {0, 0, 0, 0};
  std::size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    for (std::size_t j = 0; j < 4; ++j) sums[j] += static_cast<double>(x[i + j]) * y[i + j];
  }
  for (; i < n; ++i) sums[0] += static_cast<double>(x[i]) * y[i];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

float unbiased_scale(double xx, double xd, double dd) {
  if (std::fabs(xd) <= vanishing_cosine * std::sqrt(xx * dd)) return 0;
  const double scale = xx / xd;
  return std::fabs(scale) <= std::numeric_limits<float>::max() ? static_cast<float>(scale) : 0.0f;
}

}  // namespace embedless::code
