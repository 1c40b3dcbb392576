#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/metric.h"
#include "base/stop.h"
#include "code/codebook.h"
#include "code/encoder.h"
#include "code/lvq_code.h"
#include "code/vector_form.h"
#include "index/layout.h"

namespace embedless::index {

/// One query against the rows of one coder. Safe to share between threads. Estimates are scores: higher is better.
class Scorer {
 public:
  Scorer() = default;
  Scorer(const Scorer&) = delete;
  Scorer& operator=(const Scorer&) = delete;
  virtual ~Scorer() = default;

  /// The estimate of a row with float tables; the row's exceptions replace its factors.
  virtual float estimate(const std::uint8_t* row, std::span<const code::FactorException> exceptions) const = 0;
  /// The standard error of that estimate.
  virtual float sigma(const std::uint8_t* row, std::span<const code::FactorException> exceptions) const = 0;
  /// Row-major: the estimate that a scan makes of a row, from its first `Layout::stride()` bytes alone.
  virtual float first_estimate(const std::uint8_t* row) const { return estimate(row, {}); }
  /// out[i] = what `first_estimate` says of rows[i], about: fast, for walks.
  virtual void quick_estimates(std::span<const std::uint8_t* const> rows, float* out) const {
    for (std::size_t i = 0; i < rows.size(); ++i) out[i] = first_estimate(rows[i]);
  }
  /// The u8 tables for blocks of a transposed layout; null for a row-major one.
  virtual const kernel::ScanQuery* scan_query() const { return nullptr; }
};

/// What turns vectors into the rows of a store: a trained codebook, or a plain form of vectors. Immutable.
class Coder {
 public:
  Coder() = default;
  Coder(const Coder&) = delete;
  Coder& operator=(const Coder&) = delete;
  virtual ~Coder() = default;

  /// "pq", "lvq" or "leanvec" if trained, else the name of a plain form ("float32", "float16", "lvq8", "int8"), or
  /// "none".
  virtual const char* kind() const = 0;
  virtual std::size_t dims() const = 0;
  virtual base::Metric metric() const = 0;
  /// Whether rows say anything of their vectors. If not, they have no bytes, and there are no estimates.
  virtual bool estimates() const { return true; }
  /// Whether rows may have exceptions.
  virtual bool takes_exceptions() const { return false; }
  virtual Layout layout(RowOrder order = RowOrder::scan) const = 0;
  /// Standard error of an estimate in units of residual norm times query norm.
  virtual float rho() const = 0;
  /// The coder as bytes; a plain form has none and throws INVALID_ARGUMENT.
  virtual std::vector<std::uint8_t> save() const = 0;
  /// Rows of n x dims vectors, row-major. Throws INVALID_VECTOR, and Stopped when `stop` is set.
  virtual code::Encoded encode(std::span<const float> vectors, const base::StopFlag* stop) const = 0;
  /// Approximations of the vectors behind rows; the exceptions' rows ascend.
  virtual std::vector<float> decode(std::span<const std::uint8_t> rows,
                                    std::span<const code::FactorException> exceptions) const = 0;
  /// Prepares a query of dims floats. Throws INVALID_VECTOR.
  virtual std::unique_ptr<const Scorer> prepare(std::span<const float> query) const = 0;
};

std::shared_ptr<const Coder> codebook_coder(std::shared_ptr<const code::Codebook> codebook);
std::shared_ptr<const Coder> lvq_coder(std::shared_ptr<const code::LvqCode> code);
/// A coder that keeps nothing: kind "none".
std::shared_ptr<const Coder> no_coder(std::size_t dims, base::Metric metric);
std::shared_ptr<const Coder> vector_coder(code::VectorForm form, std::size_t dims, base::Metric metric);

}  // namespace embedless::index
