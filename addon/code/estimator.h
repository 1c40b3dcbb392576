#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "code/codebook.h"
#include "code/exception_list.h"
#include "kernel/kernel.h"

namespace embedless::code {

/// Estimates the scores of encoded rows for one query. Immutable after construction. Scores are cosine, dot product or
/// minus the squared distance; sigma is one standard error of them.
///
/// The scan's estimates use tables of bytes and the factors as the row stores them; rows with exceptions need
/// `estimate`, because the row itself only holds the nearest value that fits.
class Estimator {
 public:
  /// Makes the lookup tables of `query` (dims numbers; cosine normalises). The codebook must outlive the estimator.
  /// @throws Error INVALID_VECTOR for a query that is not finite, has a norm above 1e15, or is zero under cosine;
  /// INVALID_ARGUMENT for another number of dims.
  Estimator(const Codebook& codebook, std::span<const float> query);

  Estimator(const Estimator&) = delete;
  Estimator& operator=(const Estimator&) = delete;

  /// Tables quantised to bytes with one step for the query; points into this object.
  const kernel::ScanQuery& scan_query() const { return scan_; }

  /// Estimate of a row (row-major, row_bytes) with float tables. `exceptions` are those of this row only.
  float estimate(const std::uint8_t* row, const FactorException* exceptions = nullptr, std::size_t count = 0) const;

  /// Estimate of a row without exceptions by the tables of bytes, as a scan makes it but for rounding: several times as
  /// fast, for these tables fit the nearest cache.
  float quick_estimate(const std::uint8_t* row) const;

  /// What `estimate` is off by, as two standard errors.
  struct Errors {
    float residual = 0;  ///< of what the code leaves out: rho * e * |q - m|, twice that for l2
    float rounding = 0;  ///< of the additive term as the row holds it
  };
  Errors errors(const std::uint8_t* row, const FactorException* exceptions = nullptr, std::size_t count = 0) const;

  /// Standard error of `estimate`, both errors together.
  float sigma(const std::uint8_t* row, const FactorException* exceptions = nullptr, std::size_t count = 0) const;

  /// How far a scan estimate can lie from `estimate` on a row without exceptions. 0 for ip and l2, where it grows with
  /// the row's scale and has no useful limit.
  float scan_slack() const { return slack_; }

 private:
  void rotate(std::span<const float> query);
  void quantise();

  const Codebook& codebook_;
  std::vector<float> tables_;              // [subspaces][256]
  std::vector<std::uint8_t> byte_tables_;  // [subspaces][256]
  kernel::ScanQuery scan_{};
  float base_ = 0;
  float add_sign_ = 1;
  float sum_factor_ = 1;
  float residual_factor_ = 0;  // rho |q - m|, twice that for l2
  float slack_ = 0;
};

}  // namespace embedless::code
