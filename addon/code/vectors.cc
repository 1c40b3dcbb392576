#include "code/vectors.h"

#include <cmath>
#include <string>

#include "base/error.h"

namespace embedless::code {
namespace {

/// Sum of squares in double, where no finite float32 overflows. Four chains keep additions from waiting for each other.
double squared_norm(const float* vector, std::size_t dims) {
  double sums[4] = {0, 0, 0, 0};
  std::size_t i = 0;
  for (; i + 4 <= dims; i += 4) {
    for (std::size_t j = 0; j < 4; ++j) sums[j] += static_cast<double>(vector[i + j]) * vector[i + j];
  }
  for (; i < dims; ++i) sums[0] += static_cast<double>(vector[i]) * vector[i];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

[[noreturn]] void refuse(const std::string& expected, const std::string& what, const std::string& received) {
  throw base::Error("INVALID_VECTOR", "Expected " + expected + " for " + what + ", but received " + received + ".");
}

std::string position_of_bad_number(const float* vector, std::size_t dims) {
  for (std::size_t i = 0; i < dims; ++i) {
    if (!std::isfinite(vector[i])) return std::to_string(vector[i]) + " at position " + std::to_string(i);
  }
  return "none";
}

/// The vector's norm; refuses what no metric takes. Name makes a string once an error needs it.
template <class Name>
double checked_norm(base::Metric metric, const float* vector, std::size_t dims, const Name& name) {
  const double squared = squared_norm(vector, dims);
  if (!std::isfinite(squared)) refuse("finite numbers", name(), position_of_bad_number(vector, dims));
  const double norm = std::sqrt(squared);
  if (metric == base::Metric::cosine && norm == 0) {
    refuse("a vector other than zero (cosine needs a direction)", name(), "zeros");
  }
  return norm;
}

template <class Name>
void refuse_large(double norm, const Name& name) {
  if (norm > max_norm) refuse("a norm of at most 1e15", name(), std::to_string(norm));
}

template <class Name>
void admit_named(base::Metric metric, const float* vector, std::size_t dims, float* out, const Name& name) {
  const double norm = checked_norm(metric, vector, dims, name);
  if (metric == base::Metric::cosine) {
    const double factor = 1 / norm;
    for (std::size_t i = 0; i < dims; ++i) out[i] = static_cast<float>(vector[i] * factor);
    return;
  }
  refuse_large(norm, name);
  if (out == vector) return;
  for (std::size_t i = 0; i < dims; ++i) out[i] = vector[i];
}

}  // namespace

void admit(base::Metric metric, const float* vector, std::size_t dims, float* out, const char* what) {
  admit_named(metric, vector, dims, out, [what] { return std::string(what); });
}

void admit(base::Metric metric, const float* vector, std::size_t dims, float* out, std::size_t index) {
  admit_named(metric, vector, dims, out, [index] { return "vector " + std::to_string(index); });
}

void admit_kept(base::Metric metric, const float* vector, std::size_t dims, std::size_t index) {
  const auto name = [index] { return "vector " + std::to_string(index); };
  const double norm = checked_norm(metric, vector, dims, name);
  refuse_large(norm, name);
  if (metric == base::Metric::cosine && norm < min_kept_norm) {
    refuse("a norm of at least 1e-30 (cosine needs a direction)", name(), "a smaller one");
  }
}

std::size_t count_vectors(std::span<const float> vectors, std::size_t dims) {
  if (dims == 0 || vectors.size() % dims != 0) {
    throw base::Error("INVALID_ARGUMENT", "Expected a multiple of " + std::to_string(dims) +
                                              " numbers for vectors, but received " + std::to_string(vectors.size()) +
                                              ".");
  }
  return vectors.size() / dims;
}

}  // namespace embedless::code
