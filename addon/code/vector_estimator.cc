#include "code/vector_estimator.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "code/error.h"
#include "code/float16.h"
#include "code/vectors.h"

namespace embedless::code {
namespace {

constexpr float safety = 1.5f;
/// Squares of norms below this lose digits as float32; those vectors are summed in double.
constexpr float least_square = 1e-25f;

template <class T>
T read(const uint8_t* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

/// Sum of `term(i)` in eight chains, which compilers turn into vector registers.
template <class Term>
float sum_terms(size_t n, Term term) {
  float sums[8] = {};
  size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    for (size_t j = 0; j < 8; ++j) sums[j] += term(i + j);
  }
  for (; i < n; ++i) sums[0] += term(i);
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

float float32_at(const uint8_t* row, size_t i) { return read<float>(row + 4 * i); }
float float16_at(const uint8_t* row, size_t i) { return from_half(read<uint16_t>(row + 4 + 2 * i)); }
float byte_at(const uint8_t* row, size_t i) { return static_cast<float>(row[8 + i]); }
float signed_at(const uint8_t* row, size_t i) { return static_cast<float>(static_cast<int8_t>(row[8 + i])); }

double squared_in_double(const uint8_t* row, size_t dims) {
  double sum = 0;
  for (size_t i = 0; i < dims; ++i) sum += static_cast<double>(float32_at(row, i)) * float32_at(row, i);
  return sum;
}

}  // namespace

float vector_form_rho(size_t dims) { return safety / std::sqrt(static_cast<float>(dims)); }

VectorEstimator::VectorEstimator(const VectorRows& rows, std::span<const float> query) : rows_(rows), query_(rows.dims) {
  if (query.size() != rows.dims) {
    throw Error("INVALID_ARGUMENT", "Expected " + std::to_string(rows.dims) + " numbers for the query, but received " +
                                        std::to_string(query.size()) + ".");
  }
  admit(rows.metric, query.data(), rows.dims, query_.data(), "the query");
  double squared = 0;
  for (const float value : query_) {
    squared += static_cast<double>(value) * value;
    sum_ += value;
  }
  norm_ = std::sqrt(squared);
}

/// <q, x>.
double VectorEstimator::product(const uint8_t* row) const {
  const size_t dims = rows_.dims;
  const auto dot = [&](auto value) { return sum_terms(dims, [&](size_t i) { return query_[i] * value(row, i); }); };
  switch (rows_.form) {
    case VectorForm::float32: return dot(float32_at);
    case VectorForm::float16: return static_cast<double>(read<float>(row)) * dot(float16_at);
    case VectorForm::lvq8: return read<float>(row) * sum_ + static_cast<double>(read<float>(row + 4)) * dot(byte_at);
    case VectorForm::int8: break;
  }
  return static_cast<double>(read<float>(row)) * dot(signed_at);
}

/// |x|^2.
double VectorEstimator::squared(const uint8_t* row) const {
  const size_t dims = rows_.dims;
  const auto squares = [&](auto value) {
    return static_cast<double>(sum_terms(dims, [&](size_t i) { return value(row, i) * value(row, i); }));
  };
  const double first = read<float>(row);
  switch (rows_.form) {
    case VectorForm::float32: {
      const double sum = squares(float32_at);
      return sum >= least_square ? sum : squared_in_double(row, dims);
    }
    case VectorForm::float16: return first * first * squares(float16_at);
    case VectorForm::lvq8: {
      const double step = read<float>(row + 4);
      const double sum = sum_terms(dims, [&](size_t i) { return byte_at(row, i); });
      return first * first * static_cast<double>(dims) + 2 * first * step * sum + step * step * squares(byte_at);
    }
    case VectorForm::int8: break;
  }
  // With the unbiased scale e^2 = |scale * c|^2 - |x|^2, so the norm of x comes back exactly.
  const double error = read<float>(row + 4);
  return first * first * squares(signed_at) - error * error;
}

/// e.
double VectorEstimator::residual(const uint8_t* row) const {
  switch (rows_.form) {
    case VectorForm::float32: return 0x1p-20 * std::sqrt(squared(row));
    case VectorForm::float16: return 0x1p-11 * std::sqrt(squared(row));
    case VectorForm::lvq8: return 0.501 * read<float>(row + 4) * std::sqrt(static_cast<double>(rows_.dims));
    case VectorForm::int8: break;
  }
  return read<float>(row + 4);
}

float VectorEstimator::estimate(const uint8_t* row) const {
  const double dot = product(row);
  if (rows_.metric == Metric::ip) return static_cast<float>(dot);
  if (rows_.metric == Metric::l2) return static_cast<float>(2 * dot - squared(row) - norm_ * norm_);
  if (rows_.form == VectorForm::int8) return static_cast<float>(dot);
  const double norm = std::sqrt(squared(row));
  return norm > 0 ? static_cast<float>(dot / norm) : 0.0f;
}

float VectorEstimator::sigma(const uint8_t* row) const {
  const double error = vector_form_rho(rows_.dims) * residual(row) * norm_;
  if (rows_.metric == Metric::ip) return static_cast<float>(error);
  if (rows_.form == VectorForm::int8) return static_cast<float>(rows_.metric == Metric::l2 ? 2 * error : error);
  if (rows_.metric == Metric::l2) {
    // |q - x|^2 - |q - x^|^2 = <(q - x) + (q - x^), x^ - x>: the row does not say |x|^2, so the distance counts, not |q|.
    const double distance = std::sqrt(std::max(0.0, norm_ * norm_ + squared(row) - 2 * product(row)));
    const double e = residual(row);
    return static_cast<float>(vector_form_rho(rows_.dims) * e * (2 * distance + e));
  }
  const double norm = std::sqrt(squared(row));
  return norm > 0 ? static_cast<float>(error / norm) : 0.0f;
}

}  // namespace embedless::code
