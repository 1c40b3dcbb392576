#pragma once

#include <cstddef>
#include <span>

#include "base/metric.h"

namespace embedless::code {

/// Largest norm that is taken: squares and products of two such vectors still fit float32.
inline constexpr double max_norm = 1e15;

/// Checks one vector and writes it to `out` (dims numbers; may be the same memory) the way the metric works on it:
/// normalised for cosine, else unchanged.
/// @param what names the vector in an error, such as "vector 3" or "the query".
/// @throws Error INVALID_VECTOR for numbers that are not finite, a norm above `max_norm`, or a zero vector under
/// cosine.
void admit(base::Metric metric, const float* vector, std::size_t dims, float* out, const char* what);

/// The same for vector number `index`.
void admit(base::Metric metric, const float* vector, std::size_t dims, float* out, std::size_t index);

/// Smallest norm under cosine of a vector that is kept as given: below it numbers lose their digits.
inline constexpr double min_kept_norm = 1e-30;

/// Checks vector number `index` that is kept as given whatever the metric.
/// @throws Error INVALID_VECTOR for numbers that are not finite, a norm above `max_norm`, or under cosine one below
/// `min_kept_norm`.
void admit_kept(base::Metric metric, const float* vector, std::size_t dims, std::size_t index);

/// Number of vectors in row-major `vectors`. @throws Error INVALID_ARGUMENT if dims is 0 or does not divide the length.
std::size_t count_vectors(std::span<const float> vectors, std::size_t dims);

}  // namespace embedless::code
