#include "index/score.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace embedless::index {

namespace {

double dot(const float* a, const float* b, std::size_t dims) {
  double sum = 0;
  for (std::size_t i = 0; i < dims; ++i) sum += double{a[i]} * double{b[i]};
  return sum;
}

double squared_distance(const float* a, const float* b, std::size_t dims) {
  double sum = 0;
  for (std::size_t i = 0; i < dims; ++i) {
    const double difference = double{a[i]} - double{b[i]};
    sum += difference * difference;
  }
  return sum;
}

}  // namespace

double score(base::Metric metric, const float* a, const float* b, std::size_t dims) {
  if (metric == base::Metric::ip) return dot(a, b, dims);
  if (metric == base::Metric::l2) return 0.0 - squared_distance(a, b, dims);
  const double norms = std::sqrt(dot(a, a, dims)) * std::sqrt(dot(b, b, dims));
  if (norms == 0) throw base::Error("INVALID_VECTOR", "Expected vectors other than zero for cosine.");
  // Rounding may carry the cosine of equal vectors beyond 1.
  return std::clamp(dot(a, b, dims) / norms, -1.0, 1.0);
}

}  // namespace embedless::index
