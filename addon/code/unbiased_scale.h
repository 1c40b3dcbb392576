#pragma once

#include <cstddef>

namespace embedless::code {

/// Inner product in double, in four chains that do not wait for each other.
double dot(const float* x, const float* y, std::size_t n);

/// The scale s that makes <q, sD> an unbiased estimate of <q, X> for queries near X: |X|^2 / <X, D>. 0 where D says
/// nothing about X (a cosine below a thousandth), because there it would only blow up noise.
/// @param xx, xd, dd  |X|^2, <X, D>, |D|^2
float unbiased_scale(double xx, double xd, double dd);

}  // namespace embedless::code
