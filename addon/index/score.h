#pragma once

#include <cstddef>

#include "base/metric.h"

namespace embedless::index {

/// The exact score of two vectors of `dims` finite floats, summed in order in double precision: cosine (which
/// normalises both), inner product, or minus the squared distance.
/// Throws INVALID_VECTOR for a zero vector under cosine.
double score(base::Metric metric, const float* a, const float* b, std::size_t dims);

}  // namespace embedless::index
