#include "code/vector_estimator.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "base/error.h"
#include "code/vectors.h"
#include "kernel/kernel.h"
#include "kernel/rows.h"

namespace embedless::code {
namespace {

constexpr float safety = 1.5f;
/// Squares of norms below this lose digits as float32; those vectors are summed in double.
constexpr float least_square = 1e-25f;

template <class T>
T read(const std::uint8_t* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

double squared_norm(const float* vector, std::size_t dims) {
  const float squared = kernel::active().squared_norm(vector, dims);
  if (squared >= least_square) return squared;
  double sum = 0;
  for (std::size_t i = 0; i < dims; ++i) sum += static_cast<double>(vector[i]) * vector[i];
  return sum;
}

}  // namespace

float vector_form_rho(std::size_t dims) { return safety / std::sqrt(static_cast<float>(dims)); }

VectorEstimator::VectorEstimator(const VectorRows& rows, std::span<const float> query)
    : rows_(rows), query_(rows.dims) {
  if (query.size() != rows.dims) {
    throw base::Error("INVALID_ARGUMENT", "Expected " + std::to_string(rows.dims) +
                                              " numbers for the query, but received " + std::to_string(query.size()) +
                                              ".");
  }
  admit(rows.metric, query.data(), rows.dims, query_.data(), "the query");
  double squared = 0;
  for (const float value : query_) {
    squared += static_cast<double>(value) * value;
    sum_ += value;
  }
  norm_ = std::sqrt(squared);
}

VectorEstimator::Products VectorEstimator::products(const std::uint8_t* row) const {
  const kernel::RowTable& loops = kernel::rows();
  const std::size_t dims = rows_.dims;
  const double first = read<float>(row);
  switch (rows_.form) {
    case VectorForm::float32: {
      const auto* vector = reinterpret_cast<const float*>(row);
      const double dot = kernel::active().dot(query_.data(), vector, dims);
      return {dot, squared_norm(vector, dims)};
    }
    case VectorForm::float16: {
      const kernel::RowSums sums = loops.halves(query_.data(), row + 4, dims);
      return {first * sums.dot, first * first * sums.squares};
    }
    case VectorForm::lvq8: {
      const double step = read<float>(row + 4);
      const kernel::RowSums sums = loops.bytes(query_.data(), row + 8, dims);
      return {first * sum_ + step * sums.dot,
              first * first * static_cast<double>(dims) + 2 * first * step * sums.sum + step * step * sums.squares};
    }
    case VectorForm::int8: break;
  }
  const kernel::RowSums sums = loops.signed_bytes(query_.data(), row + 8, dims);
  // With the unbiased scale e^2 = |scale * c|^2 - |x|^2, so the norm of x comes back exactly.
  const double error = read<float>(row + 4);
  return {first * sums.dot, first * first * sums.squares - error * error};
}

/// e, of a row whose vector has this squared norm.
double VectorEstimator::residual(const std::uint8_t* row, double squared) const {
  switch (rows_.form) {
    case VectorForm::float32: return 0x1p-20 * std::sqrt(squared);
    case VectorForm::float16: return 0x1p-11 * std::sqrt(squared);
    case VectorForm::lvq8: return 0.501 * read<float>(row + 4) * std::sqrt(static_cast<double>(rows_.dims));
    case VectorForm::int8: break;
  }
  return read<float>(row + 4);
}

float VectorEstimator::estimate(const std::uint8_t* row) const {
  const Products found = products(row);
  if (rows_.metric == base::Metric::ip) return static_cast<float>(found.dot);
  if (rows_.metric == base::Metric::l2) return static_cast<float>(2 * found.dot - found.squared - norm_ * norm_);
  if (rows_.form == VectorForm::int8) return static_cast<float>(found.dot);
  return found.squared > 0 ? static_cast<float>(found.dot / std::sqrt(found.squared)) : 0.0f;
}

float VectorEstimator::sigma(const std::uint8_t* row) const {
  const double rho = vector_form_rho(rows_.dims);
  if (rows_.form == VectorForm::int8) {
    return static_cast<float>((rows_.metric == base::Metric::l2 ? 2 : 1) * rho * residual(row, 0) * norm_);
  }
  const auto [dot, squared] = products(row);
  const double e = residual(row, squared);
  if (rows_.metric == base::Metric::ip) return static_cast<float>(rho * e * norm_);
  if (rows_.metric == base::Metric::cosine)
    return squared > 0 ? static_cast<float>(rho * e / std::sqrt(squared) * norm_) : 0.0f;
  // |q - x|^2 - |q - x^|^2 = <(q - x) + (q - x^), x^ - x>: the row does not say |x|^2, so the distance counts, not |q|.
  const double distance = std::sqrt(std::max(0.0, norm_ * norm_ + squared - 2 * dot));
  return static_cast<float>(rho * e * (2 * distance + e));
}

}  // namespace embedless::code
