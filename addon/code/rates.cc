#include "code/rates.h"

#include <algorithm>
#include <cmath>

namespace embedless::code {
namespace {

double rate(double variance, double theta) { return std::clamp(0.5 * std::log2(variance / theta), 0.0, byte_bits); }

double total(std::span<const double> variances, double theta) {
  double sum = 0;
  for (const double variance : variances) sum += rate(variance, theta);
  return sum;
}

}  // namespace

std::vector<double> rates(std::span<const double> variances, std::size_t bytes) {
  const double budget = byte_bits * static_cast<double>(bytes);
  if (variances.size() <= bytes) return std::vector<double>(variances.size(), byte_bits);
  const auto [least, most] = std::minmax_element(variances.begin(), variances.end());
  // At the low end every component has its 8 bits, more than the budget; at the high end none has any.
  double low = std::log2(*least) - 2 * byte_bits - 1;
  double high = std::log2(*most);
  for (int round = 0; round < 100; ++round) {
    const double middle = (low + high) / 2;
    (total(variances, std::exp2(middle)) > budget ? low : high) = middle;
  }
  std::vector<double> result;
  result.reserve(variances.size());
  for (const double variance : variances) result.push_back(rate(variance, std::exp2(high)));
  return result;
}

std::vector<std::uint32_t> subspace_starts(std::span<const double> rates, std::size_t bytes) {
  std::vector<std::uint32_t> starts;
  double bits = 0;
  std::size_t current = 0;
  for (std::size_t i = 0; i < rates.size(); ++i) {
    const double middle = bits + rates[i] / 2;
    bits += rates[i];
    const std::size_t run = std::min(bytes - 1, static_cast<std::size_t>(middle / byte_bits));
    if (i == 0 || run != current) starts.push_back(static_cast<std::uint32_t>(i));
    current = run;
  }
  starts.push_back(static_cast<std::uint32_t>(rates.size()));
  return starts;
}

}  // namespace embedless::code
