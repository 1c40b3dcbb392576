#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "code/vector_form.h"

namespace embedless::code {

/// Standard error of <q, x> in units of e * |q| for rows of any `VectorForm`: rounding residuals lie about evenly in
/// all directions, so 1 / sqrt(dims), and half as much again for what real vectors deviate from that.
float vector_form_rho(std::size_t dims);

/// Estimates the scores of rows of a plain form for one query; the counterpart of `Estimator`. Immutable.
class VectorEstimator {
 public:
  /// @throws Error INVALID_VECTOR for a query that is not finite, has a norm above 1e15, or is zero under cosine;
  /// INVALID_ARGUMENT for another number of dims.
  VectorEstimator(const VectorRows& rows, std::span<const float> query);

  /// Cosine, inner product or minus squared distance of the query and the row's vector, but for float32 rounding
  /// exactly. Rows lie at addresses that are a multiple of 4.
  float estimate(const std::uint8_t* row) const;

  /// Standard error of `estimate`: rho * e * |q|; for l2 twice that by int8, which knows |x|^2 exactly, and rho * e *
  /// (2 |q - x| + e) by the others. e is the length that the form's rounding can have: stored for int8; at most half a
  /// step a number for lvq8; 2^-11 of the norm for float16. For float32 2^-20 of the norm stand for the rounding of
  /// sums. Where the estimate normalises the row, e is divided by its norm.
  float sigma(const std::uint8_t* row) const;

 private:
  struct Products {
    double dot;      // <q, x>
    double squared;  // |x|^2
  };

  Products products(const std::uint8_t* row) const;
  double residual(const std::uint8_t* row, double squared) const;

  VectorRows rows_;
  std::vector<float> query_;  // normalised for cosine
  double sum_ = 0;            // of the query's numbers
  double norm_ = 0;           // of the query
};

}  // namespace embedless::code
