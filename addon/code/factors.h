#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/metric.h"
#include "code/exception_list.h"

namespace embedless::code {

/// The three numbers of a row beside its code: scale `s`, additive term `a`, residual norm `e`.
struct Factors {
  float scale = 0;
  float add = 0;
  float error = 0;
};

/// A closed interval that one byte divides into 255 equal steps.
struct ByteRange {
  float low = 0;
  float high = 0;

  float step() const { return (high - low) / 255.0f; }
  float read(std::uint8_t byte) const { return low + step() * static_cast<float>(byte); }
};

/// Ranges frozen at training. Values outside them go to the exception list.
struct FactorRanges {
  ByteRange scale{};   // cosine only
  ByteRange add{};     // cosine only
  ByteRange error{};   // cosine: of e. ip and l2: of the natural logarithm of e
  float add_unit = 1;  // ip and l2: float16 holds a / add_unit; a power of two
};

/// How s, a and e are stored behind the code bytes of a row. Cosine: one byte each on a linear range. ip and l2, whose
/// norms may span many magnitudes: s and a as float16 (little-endian), e as one byte on a logarithmic scale (0:
/// e = 0).
class FactorCoder {
 public:
  FactorCoder() = default;
  FactorCoder(base::Metric metric, const FactorRanges& ranges);

  /// Bytes of the factors of a row: 3 for cosine, 5 for ip and l2.
  std::size_t bytes() const { return metric_ == base::Metric::cosine ? 3 : 5; }
  const FactorRanges& ranges() const { return ranges_; }

  /// Write one factor into the factor bytes of a row. The result is the value that a reader gets: rounded to the stored
  /// form, or `value` itself where that form cannot hold it; then an exception for `row` is appended.
  float write_scale(float value, std::uint16_t row, std::uint8_t* factors,
                    std::vector<FactorException>& exceptions) const;
  float write_add(float value, std::uint16_t row, std::uint8_t* factors,
                  std::vector<FactorException>& exceptions) const;
  float write_error(float value, std::uint16_t row, std::uint8_t* factors,
                    std::vector<FactorException>& exceptions) const;

  /// Standard error that rounding leaves in an additive term as read from a row's bytes, not from an exception.
  float add_rounding(float add) const;

  /// Factors of a row, its exceptions applied (only those of this row may be given).
  Factors read(const std::uint8_t* factors, const FactorException* exceptions, std::size_t count) const;

 private:
  base::Metric metric_ = base::Metric::cosine;
  FactorRanges ranges_;
  std::array<float, 256> errors_{};  // e of each byte
};

/// Ranges for the factors of a sample: its 0.1 to 99.9 percentile, widened four times about the middle.
FactorRanges fit_ranges(base::Metric metric, std::span<const Factors> sample);

}  // namespace embedless::code
