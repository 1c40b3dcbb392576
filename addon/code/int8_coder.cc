#include "code/int8_coder.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "code/error.h"
#include "code/vectors.h"

namespace embedless::code {
namespace {

/// Vectors between two looks at the stop flag.
constexpr size_t stop_interval = 64;
/// Rounding residuals lie about evenly in all directions, so <q, residual> has a standard error of |q| e / sqrt(dims).
/// Half as much again covers what real vectors deviate from that.
constexpr float safety = 1.5f;

struct Row {
  float scale;
  float error;
  const int8_t* values;
};

Row read_row(const uint8_t* row) {
  Row result{};
  std::memcpy(&result.scale, row, sizeof(float));
  std::memcpy(&result.error, row + 4, sizeof(float));
  result.values = reinterpret_cast<const int8_t*>(row + 8);
  return result;
}

/// The unbiased scale, then the residual under it.
void write_row(const float* vector, size_t dims, uint8_t* row) {
  float largest = 0;
  for (size_t i = 0; i < dims; ++i) largest = std::max(largest, std::fabs(vector[i]));
  const float inverse = largest > 0 ? 127.0f / largest : 0.0f;
  auto* values = reinterpret_cast<int8_t*>(row + 8);
  double xx = 0;
  double xc = 0;
  for (size_t i = 0; i < dims; ++i) {
    // Numbers so small that their inverse overflows become 0, which `scale` below turns into a zero vector.
    const float scaled = std::isfinite(inverse) ? vector[i] * inverse : 0.0f;
    values[i] = static_cast<int8_t>(std::lround(scaled));
    xx += static_cast<double>(vector[i]) * vector[i];
    xc += static_cast<double>(vector[i]) * values[i];
  }
  const float scale = xc > 0 ? static_cast<float>(xx / xc) : 0.0f;
  double residual = 0;
  for (size_t i = 0; i < dims; ++i) {
    const double rest = vector[i] - static_cast<double>(scale) * values[i];
    residual += rest * rest;
  }
  const float error = static_cast<float>(std::sqrt(residual));
  std::memcpy(row, &scale, sizeof scale);
  std::memcpy(row + 4, &error, sizeof error);
}

}  // namespace

std::vector<uint8_t> encode_int8(const Int8Form& form, std::span<const float> vectors, const StopFlag* stop) {
  const size_t count = count_vectors(vectors, form.dims);
  std::vector<uint8_t> rows(count * form.row_bytes());
  std::vector<float> admitted(form.dims);
  for (size_t i = 0; i < count; ++i) {
    if (i % stop_interval == 0) check(stop);
    admit(form.metric, &vectors[i * form.dims], form.dims, admitted.data(), i);
    write_row(admitted.data(), form.dims, &rows[i * form.row_bytes()]);
  }
  return rows;
}

std::vector<float> decode_int8(const Int8Form& form, std::span<const uint8_t> rows) {
  if (rows.size() % form.row_bytes() != 0) {
    throw Error("INVALID_ARGUMENT", "Expected a multiple of " + std::to_string(form.row_bytes()) +
                                        " bytes for rows, but received " + std::to_string(rows.size()) + ".");
  }
  const size_t count = rows.size() / form.row_bytes();
  std::vector<float> vectors(count * form.dims);
  for (size_t i = 0; i < count; ++i) {
    const Row row = read_row(&rows[i * form.row_bytes()]);
    for (size_t j = 0; j < form.dims; ++j) vectors[i * form.dims + j] = row.scale * static_cast<float>(row.values[j]);
  }
  return vectors;
}

Int8Estimator::Int8Estimator(const Int8Form& form, std::span<const float> query)
    : form_(form), query_(form.dims), rho_(safety / std::sqrt(static_cast<float>(form.dims))) {
  if (query.size() != form.dims) {
    throw Error("INVALID_ARGUMENT", "Expected " + std::to_string(form.dims) + " numbers for the query, but received " +
                                        std::to_string(query.size()) + ".");
  }
  admit(form.metric, query.data(), form.dims, query_.data(), "the query");
  double squared = 0;
  for (const float value : query_) squared += static_cast<double>(value) * value;
  norm_ = static_cast<float>(std::sqrt(squared));
}

float Int8Estimator::estimate(const uint8_t* row) const {
  const Row stored = read_row(row);
  float dots[8] = {};
  int32_t squares = 0;
  size_t i = 0;
  for (; i + 8 <= form_.dims; i += 8) {
    for (size_t j = 0; j < 8; ++j) {
      dots[j] += query_[i + j] * static_cast<float>(stored.values[i + j]);
      squares += stored.values[i + j] * stored.values[i + j];
    }
  }
  for (; i < form_.dims; ++i) {
    dots[0] += query_[i] * static_cast<float>(stored.values[i]);
    squares += stored.values[i] * stored.values[i];
  }
  const float dot = ((dots[0] + dots[1]) + (dots[2] + dots[3])) + ((dots[4] + dots[5]) + (dots[6] + dots[7]));
  const float product = stored.scale * dot;
  if (form_.metric != Metric::l2) return product;
  // With the unbiased scale e^2 = |scale * c|^2 - |x|^2, so the norm of x comes back exactly.
  const double approximate = static_cast<double>(stored.scale) * stored.scale * squares;
  const double squared = approximate - static_cast<double>(stored.error) * stored.error;
  return static_cast<float>(2.0 * product - squared - static_cast<double>(norm_) * norm_);
}

float Int8Estimator::sigma(const uint8_t* row) const {
  return (form_.metric == Metric::l2 ? 2.0f : 1.0f) * rho_ * read_row(row).error * norm_;
}

}  // namespace embedless::code
