#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "code/metric.h"
#include "code/stop.h"

namespace embedless::code {

/// Rows of passages that wait for a codebook: [f32 scale][f32 e][int8 x dims], little-endian. A vector x is close to
/// scale * c with c the bytes; scale = |x|^2 / <x, c> makes estimates unbiased, e = |x - scale * c|.
struct Int8Form {
  size_t dims = 0;
  Metric metric = Metric::cosine;

  size_t row_bytes() const { return 8 + dims; }
};

/// Encodes row-major vectors; cosine normalises them first.
/// @throws Error INVALID_VECTOR naming the vector (zero under cosine, not finite, norm above 1e15), INVALID_ARGUMENT for
/// a length that is no multiple of dims; Stopped.
std::vector<uint8_t> encode_int8(const Int8Form& form, std::span<const float> vectors, const StopFlag* stop = nullptr);

/// Approximate vectors of rows, row-major. @throws Error INVALID_ARGUMENT for a length that is no multiple of a row.
std::vector<float> decode_int8(const Int8Form& form, std::span<const uint8_t> rows);

/// Estimates the scores of int8 rows for one query; the counterpart of `Estimator`.
class Int8Estimator {
 public:
  /// @throws Error as `Estimator` does.
  Int8Estimator(const Int8Form& form, std::span<const float> query);

  float estimate(const uint8_t* row) const;

  /// Standard error of `estimate`: rho * e * |q|, twice that for l2.
  float sigma(const uint8_t* row) const;

  /// Standard error of <q, x> in units of e * |q|: rounding residuals point anywhere, so 1 / sqrt(dims), and half more.
  float rho() const { return rho_; }

 private:
  Int8Form form_;
  std::vector<float> query_;
  float rho_ = 0;
  float norm_ = 0;
};

}  // namespace embedless::code
