#include "code/vector_form.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstring>
#include <string>

#include "base/error.h"
#include "base/float16.h"
#include "code/vectors.h"

namespace embedless::code {
namespace {

/// Vectors between two looks at the stop flag.
constexpr std::size_t stop_interval = 64;

template <class T>
void put(std::uint8_t* row, T value) {
  std::memcpy(row, &value, sizeof value);
}

template <class T>
T get(const std::uint8_t* row) {
  T value;
  std::memcpy(&value, row, sizeof value);
  return value;
}

void write_float16(const float* vector, std::size_t dims, std::uint8_t* row) {
  float largest = 0;
  for (std::size_t i = 0; i < dims; ++i) largest = std::max(largest, std::fabs(vector[i]));
  const int exponent = largest > 0 ? std::clamp(std::ilogb(largest) - 14, -126, 126) : 0;
  const float unit = std::ldexp(1.0f, exponent);
  put(row, unit);
  for (std::size_t i = 0; i < dims; ++i) put(row + 4 + 2 * i, base::to_half(vector[i] / unit));
}

void write_lvq8(const float* vector, std::size_t dims, std::uint8_t* row) {
  const auto [low, high] = std::minmax_element(vector, vector + dims);
  float step = static_cast<float>((static_cast<double>(*high) - *low) / 255);
  // Steps too small for a normal float are noise beside `low`.
  if (!(step >= FLT_MIN)) step = 0;
  put(row, *low);
  put(row + 4, step);
  const double inverse = step > 0 ? 1 / static_cast<double>(step) : 0;
  for (std::size_t i = 0; i < dims; ++i) {
    const double position = (static_cast<double>(vector[i]) - *low) * inverse;
    row[8 + i] = static_cast<std::uint8_t>(std::min(position + 0.5, 255.0));
  }
}

/// The unbiased scale, then the residual under it.
void write_int8(const float* vector, std::size_t dims, std::uint8_t* row) {
  float largest = 0;
  for (std::size_t i = 0; i < dims; ++i) largest = std::max(largest, std::fabs(vector[i]));
  const float inverse = largest > 0 ? 127.0f / largest : 0.0f;
  auto* values = reinterpret_cast<std::int8_t*>(row + 8);
  double xx = 0;
  double xc = 0;
  for (std::size_t i = 0; i < dims; ++i) {
    // Numbers so small that their inverse overflows become 0, which `scale` below turns into a zero vector.
    const float scaled = std::isfinite(inverse) ? vector[i] * inverse : 0.0f;
    values[i] = static_cast<std::int8_t>(std::lround(scaled));
    xx += static_cast<double>(vector[i]) * vector[i];
    xc += static_cast<double>(vector[i]) * values[i];
  }
  const float scale = xc > 0 ? static_cast<float>(xx / xc) : 0.0f;
  double residual = 0;
  for (std::size_t i = 0; i < dims; ++i) {
    const double rest = vector[i] - static_cast<double>(scale) * values[i];
    residual += rest * rest;
  }
  put(row, scale);
  put(row + 4, static_cast<float>(std::sqrt(residual)));
}

void write_row(VectorForm form, const float* vector, std::size_t dims, std::uint8_t* row) {
  switch (form) {
    case VectorForm::float32: std::memcpy(row, vector, 4 * dims); break;
    case VectorForm::float16: write_float16(vector, dims, row); break;
    case VectorForm::lvq8: write_lvq8(vector, dims, row); break;
    case VectorForm::int8: write_int8(vector, dims, row); break;
  }
}

void read_row(VectorForm form, const std::uint8_t* row, std::size_t dims, float* vector) {
  const float first = get<float>(row);
  switch (form) {
    case VectorForm::float32: std::memcpy(vector, row, 4 * dims); break;
    case VectorForm::float16:
      for (std::size_t i = 0; i < dims; ++i) vector[i] = first * base::from_half(get<std::uint16_t>(row + 4 + 2 * i));
      break;
    case VectorForm::lvq8:
      for (std::size_t i = 0; i < dims; ++i) vector[i] = first + get<float>(row + 4) * static_cast<float>(row[8 + i]);
      break;
    case VectorForm::int8:
      for (std::size_t i = 0; i < dims; ++i)
        vector[i] = first * static_cast<float>(static_cast<std::int8_t>(row[8 + i]));
      break;
  }
}

}  // namespace

std::size_t VectorRows::row_bytes() const {
  switch (form) {
    case VectorForm::float32: return 4 * dims;
    case VectorForm::float16: return 4 + 2 * dims;
    default: return 8 + dims;
  }
}

std::vector<std::uint8_t> encode_vectors(const VectorRows& rows, std::span<const float> vectors,
                                         const base::StopFlag* stop) {
  const std::size_t dims = rows.dims;
  const std::size_t count = count_vectors(vectors, dims);
  std::vector<std::uint8_t> encoded(count * rows.row_bytes());
  std::vector<float> normalised(dims);
  for (std::size_t i = 0; i < count; ++i) {
    if (i % stop_interval == 0) base::check(stop);
    const float* vector = &vectors[i * dims];
    if (rows.form == VectorForm::int8) {
      admit(rows.metric, vector, dims, normalised.data(), i);
      vector = normalised.data();
    } else {
      admit_kept(rows.metric, vector, dims, i);
    }
    write_row(rows.form, vector, dims, &encoded[i * rows.row_bytes()]);
  }
  return encoded;
}

std::vector<float> decode_vectors(const VectorRows& rows, std::span<const std::uint8_t> encoded) {
  if (encoded.size() % rows.row_bytes() != 0) {
    throw base::Error("INVALID_ARGUMENT", "Expected a multiple of " + std::to_string(rows.row_bytes()) +
                                              " bytes for rows, but received " + std::to_string(encoded.size()) + ".");
  }
  const std::size_t count = encoded.size() / rows.row_bytes();
  std::vector<float> vectors(count * rows.dims);
  for (std::size_t i = 0; i < count; ++i) {
    read_row(rows.form, &encoded[i * rows.row_bytes()], rows.dims, &vectors[i * rows.dims]);
  }
  return vectors;
}

}  // namespace embedless::code
