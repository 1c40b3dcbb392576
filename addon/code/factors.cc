#include "code/factors.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/float16.h"

namespace embedless::code {
namespace {

/// Steps of the logarithmic error scale: byte 0 stands for no error at all.
constexpr float log_steps = 254;

/// Logarithms of errors that a float32 can hold with room to spare.
constexpr double least_log = -80;
constexpr double most_log = 80;

bool inside(const ByteRange& range, float value) { return value >= range.low && value <= range.high; }

std::uint8_t nearest_byte(const ByteRange& range, float value, float steps) {
  const float width = range.high - range.low;
  if (!(width > 0)) return 0;
  const float position = (std::clamp(value, range.low, range.high) - range.low) / width;
  return static_cast<std::uint8_t>(std::lround(position * steps));
}

void note(std::uint16_t row, FactorName factor, float value, std::vector<FactorException>& exceptions) {
  exceptions.push_back({row, static_cast<std::uint8_t>(factor), 0, value});
}

float write_byte(const ByteRange& range, float value, std::uint16_t row, FactorName name, std::uint8_t* out,
                 std::vector<FactorException>& exceptions) {
  *out = nearest_byte(range, value, 255);
  if (inside(range, value)) return range.read(*out);
  note(row, name, value, exceptions);
  return value;
}

/// As float16 in steps of `unit`. Subnormal float16 count as outside: they would keep too few digits.
float write_half(float unit, float value, std::uint16_t row, FactorName name, std::uint8_t* out,
                 std::vector<FactorException>& exceptions) {
  const float scaled = value / unit;
  const float magnitude = std::fabs(scaled);
  const std::uint16_t half = base::to_half(std::clamp(scaled, -base::half_max, base::half_max));
  std::memcpy(out, &half, sizeof half);
  if (value == 0 || (magnitude >= base::half_min_normal && magnitude <= base::half_max))
    return base::from_half(half) * unit;
  note(row, name, value, exceptions);
  return value;
}

float read_half(const std::uint8_t* bytes) {
  std::uint16_t half;
  std::memcpy(&half, bytes, sizeof half);
  return base::from_half(half);
}

/// Percentile by linear interpolation between the two closest ranks; `values` is sorted.
double percentile(const std::vector<double>& values, double share) {
  const double rank = share * static_cast<double>(values.size() - 1);
  const std::size_t below = static_cast<std::size_t>(rank);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (values[above] - values[below]) * (rank - static_cast<double>(below));
}

ByteRange widened(std::vector<double> values, double least, double most) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const double low = percentile(values, 0.001);
  const double high = percentile(values, 0.999);
  const double margin = 1.5 * (high - low);
  return {static_cast<float>(std::max(low - margin, least)), static_cast<float>(std::min(high + margin, most))};
}

template <class Value>
std::vector<double> gather(std::span<const Factors> sample, Value value) {
  std::vector<double> values;
  values.reserve(sample.size());
  for (const Factors& factors : sample) values.push_back(value(factors));
  return values;
}

/// The power of two at the median size of the additive term, so that float16 reaches as far above it as below.
float median_unit(std::span<const Factors> sample) {
  std::vector<double> sizes = gather(sample, [](const Factors& f) { return std::fabs(f.add); });
  std::erase(sizes, 0.0);
  if (sizes.empty()) return 1;
  std::sort(sizes.begin(), sizes.end());
  return static_cast<float>(std::exp2(std::clamp(std::ilogb(sizes[sizes.size() / 2]), -100, 100)));
}

}  // namespace

FactorCoder::FactorCoder(base::Metric metric, const FactorRanges& ranges) : metric_(metric), ranges_(ranges) {
  if (metric == base::Metric::cosine) {
    for (std::size_t byte = 0; byte < 256; ++byte) errors_[byte] = ranges.error.read(static_cast<std::uint8_t>(byte));
    return;
  }
  const double step = (static_cast<double>(ranges.error.high) - ranges.error.low) / log_steps;
  for (std::size_t byte = 1; byte < 256; ++byte) {
    errors_[byte] = static_cast<float>(std::exp(ranges.error.low + step * static_cast<double>(byte - 1)));
  }
}

float FactorCoder::write_scale(float value, std::uint16_t row, std::uint8_t* factors,
                               std::vector<FactorException>& exceptions) const {
  if (metric_ == base::Metric::cosine)
    return write_byte(ranges_.scale, value, row, FactorName::scale, factors, exceptions);
  return write_half(1, value, row, FactorName::scale, factors, exceptions);
}

float FactorCoder::write_add(float value, std::uint16_t row, std::uint8_t* factors,
                             std::vector<FactorException>& exceptions) const {
  if (metric_ == base::Metric::cosine)
    return write_byte(ranges_.add, value, row, FactorName::add, factors + 1, exceptions);
  return write_half(ranges_.add_unit, value, row, FactorName::add, factors + 2, exceptions);
}

float FactorCoder::write_error(float value, std::uint16_t row, std::uint8_t* factors,
                               std::vector<FactorException>& exceptions) const {
  if (metric_ == base::Metric::cosine)
    return write_byte(ranges_.error, value, row, FactorName::error, factors + 2, exceptions);
  std::uint8_t* out = factors + 4;
  *out = 0;
  if (value == 0) return 0;
  const float logarithm = static_cast<float>(std::log(value));
  *out = static_cast<std::uint8_t>(1 + nearest_byte(ranges_.error, logarithm, log_steps));
  if (inside(ranges_.error, logarithm)) return errors_[*out];
  note(row, FactorName::error, value, exceptions);
  return value;
}

float FactorCoder::add_rounding(float add) const {
  // Values rounded to steps of one size are off by its twelfth root of the square. A float16 has 2^10 steps an octave.
  const float step = metric_ == base::Metric::cosine ? ranges_.add.step() : std::fabs(add) * 0x1p-10f;
  return step / std::sqrt(12.0f);
}

Factors FactorCoder::read(const std::uint8_t* factors, const FactorException* exceptions, std::size_t count) const {
  Factors result;
  if (metric_ == base::Metric::cosine) {
    result = {ranges_.scale.read(factors[0]), ranges_.add.read(factors[1]), errors_[factors[2]]};
  } else {
    result = {read_half(factors), read_half(factors + 2) * ranges_.add_unit, errors_[factors[4]]};
  }
  for (std::size_t i = 0; i < count; ++i) {
    switch (static_cast<FactorName>(exceptions[i].factor)) {
      case FactorName::scale: result.scale = exceptions[i].value; break;
      case FactorName::add: result.add = exceptions[i].value; break;
      case FactorName::error: result.error = exceptions[i].value; break;
    }
  }
  return result;
}

FactorRanges fit_ranges(base::Metric metric, std::span<const Factors> sample) {
  constexpr double largest = 1e30;
  FactorRanges ranges;
  if (metric == base::Metric::cosine) {
    ranges.scale = widened(gather(sample, [](const Factors& f) { return f.scale; }), -largest, largest);
    ranges.add = widened(gather(sample, [](const Factors& f) { return f.add; }), -largest, largest);
    ranges.error = widened(gather(sample, [](const Factors& f) { return f.error; }), -largest, largest);
    return ranges;
  }
  std::vector<double> errors = gather(sample, [](const Factors& f) { return f.error; });
  std::erase(errors, 0.0);
  for (double& error : errors) error = std::log(error);
  ranges.error = widened(std::move(errors), least_log, most_log);
  ranges.add_unit = median_unit(sample);
  return ranges;
}

}  // namespace embedless::code
