#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "code/lvq_code.h"
#include "kernel/rows.h"

namespace embedless::code {

/// Estimates the scores of rows of an `LvqCode` for one query: <q, m> + a + <q - m, X^> for cosine and ip, and
/// -(|q - m|^2 + a - 2 <q - m, X^>) for l2. Immutable after construction.
class LvqEstimator {
 public:
  /// `query` holds dims numbers; cosine normalises. The code must outlive the estimator.
  /// @throws Error INVALID_VECTOR and INVALID_ARGUMENT as `Estimator` does.
  LvqEstimator(const LvqCode& code, std::span<const float> query);

  /// The estimate by the first level alone; reads the first `first_bytes` of a row. With one level it is `estimate`.
  float first_estimate(const std::uint8_t* row) const;
  /// The estimate by all levels.
  float estimate(const std::uint8_t* row) const;
  /// Standard error of `estimate`: rho * e * |q - m|, twice that for l2.
  float sigma(const std::uint8_t* row) const;

 private:
  /// <q - m, X^> by the first level.
  double first_product(const std::uint8_t* row) const;
  float score(const std::uint8_t* row, double product) const;

  const LvqCode& code_;
  const kernel::RowTable& loops_;
  std::vector<float> turned_;  // A (q - m)
  double sum_ = 0;             // of its numbers
  double base_ = 0;
  double add_sign_ = 1;
  double product_factor_ = 1;
  float sigma_factor_ = 0;  // sigma = sigma_factor_ * e
};

}  // namespace embedless::code
