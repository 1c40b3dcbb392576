#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "code/codebook.h"
#include "code/encoder.h"
#include "code/lvq_code.h"
#include "code/metric.h"
#include "code/stop.h"
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

  /// "pq", "lvq" or "leanvec" if trained, else the name of a plain form: "float32", "float16", "lvq8", "int8".
  virtual const char* kind() const = 0;
  virtual std::size_t dims() const = 0;
  virtual code::Metric metric() const = 0;
  virtual Layout layout() const = 0;
  /// Standard error of an estimate in units of residual norm times query norm.
  virtual float rho() const = 0;
  /// The coder as bytes; a plain form has none and throws INVALID_ARGUMENT.
  virtual std::vector<std::uint8_t> save() const = 0;
  /// Rows of n x dims vectors, row-major. Throws INVALID_VECTOR, and Stopped when `stop` is set.
  virtual code::Encoded encode(std::span<const float> vectors, const code::StopFlag* stop) const = 0;
  /// Approximations of the vectors behind rows; the exceptions' rows ascend.
  virtual std::vector<float> decode(std::span<const std::uint8_t> rows,
                                    std::span<const code::FactorException> exceptions) const = 0;
  /// Prepares a query of dims floats. Throws INVALID_VECTOR.
  virtual std::unique_ptr<const Scorer> prepare(std::span<const float> query) const = 0;
};

std::shared_ptr<const Coder> codebook_coder(std::shared_ptr<const code::Codebook> codebook);
std::shared_ptr<const Coder> lvq_coder(std::shared_ptr<const code::LvqCode> code);
std::shared_ptr<const Coder> vector_coder(code::VectorForm form, std::size_t dims, code::Metric metric);

}  // namespace embedless::index
