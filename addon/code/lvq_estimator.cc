#include "code/lvq_estimator.h"

#include <cmath>
#include <cstring>
#include <numeric>
#include <string>

#include "base/error.h"
#include "code/unbiased_scale.h"
#include "code/vectors.h"
#include "kernel/kernel.h"

namespace embedless::code {
namespace {

constexpr std::size_t step_at = 4;
constexpr std::size_t add_at = 8;
constexpr std::size_t error_at = 12;

double factor(const std::uint8_t* row, std::size_t at) {
  float value;
  std::memcpy(&value, row + at, sizeof value);
  return value;
}

}  // namespace

LvqEstimator::LvqEstimator(const LvqCode& code, std::span<const float> query)
    : code_(code), loops_(kernel::rows()), turned_(code.numbers()) {
  const std::size_t dims = code.dims();
  if (query.size() != dims) {
    throw base::Error("INVALID_ARGUMENT", "Expected " + std::to_string(dims) + " numbers for the query, but received " +
                                              std::to_string(query.size()) + ".");
  }
  std::vector<float> centred(dims);
  admit(code.metric(), query.data(), dims, centred.data(), "the query");
  const double along_mean = dot(centred.data(), code.mean(), dims);
  kernel::active().axpy(-1.0f, code.mean(), centred.data(), dims);
  const double squared = dot(centred.data(), centred.data(), dims);
  const bool is_l2 = code.metric() == base::Metric::l2;
  base_ = is_l2 ? -squared : along_mean;
  add_sign_ = is_l2 ? -1 : 1;
  product_factor_ = is_l2 ? 2 : 1;
  sigma_factor_ = static_cast<float>(product_factor_ * code.rho() * std::sqrt(squared));
  if (code.projects()) {
    kernel::active().multiply(centred.data(), code.query_side(), turned_.data(), 1, turned_.size(), dims);
  } else {
    turned_ = std::move(centred);
  }
  sum_ = std::accumulate(turned_.begin(), turned_.end(), 0.0);
}

double LvqEstimator::first_product(const std::uint8_t* row) const {
  const std::uint8_t* codes = row + LvqCode::factor_bytes;
  const auto loop = code_.levels() == LvqLevels::lvq8 ? loops_.dot_bytes : loops_.dot_nibbles;
  return factor(row, 0) * sum_ + factor(row, step_at) * loop(turned_.data(), codes, turned_.size());
}

float LvqEstimator::score(const std::uint8_t* row, double product) const {
  return static_cast<float>(base_ + add_sign_ * factor(row, add_at) + product_factor_ * product);
}

float LvqEstimator::first_estimate(const std::uint8_t* row) const { return score(row, first_product(row)); }

float LvqEstimator::estimate(const std::uint8_t* row) const {
  double product = first_product(row);
  if (code_.levels() == LvqLevels::lvq4x8) {
    const double fine = loops_.dot_bytes(turned_.data(), row + code_.first_bytes(), turned_.size());
    product += factor(row, step_at) * (fine / 255 - sum_ / 2);
  }
  return score(row, product);
}

float LvqEstimator::sigma(const std::uint8_t* row) const {
  return sigma_factor_ * static_cast<float>(factor(row, error_at));
}

}  // namespace embedless::code
