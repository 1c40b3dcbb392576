#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/metric.h"

namespace synthetic {

/// Vectors like embeddings: variance falls along hidden axes, which random reflections turn, and the mean is not zero.
class Source {
 public:
  Source(std::size_t dims, std::uint32_t seed, double decay = 0.7) : dims_(dims), random_(seed) {
    for (std::size_t i = 0; i < dims; ++i) deviations_.push_back(std::pow(1.0 + static_cast<double>(i), -decay));
    for (auto& axis : axes_) axis = unit();
    for (std::size_t i = 0; i < dims; ++i)
      mean_.push_back(0.3 * normal_(random_) / std::sqrt(static_cast<double>(dims)));
  }

  std::vector<float> vectors(std::size_t count, double norm = 1) {
    std::vector<float> result;
    result.reserve(count * dims_);
    for (std::size_t n = 0; n < count; ++n) {
      std::vector<double> x(dims_);
      for (std::size_t i = 0; i < dims_; ++i) x[i] = deviations_[i] * normal_(random_);
      for (const auto& axis : axes_) reflect(axis, x);
      for (std::size_t i = 0; i < dims_; ++i) result.push_back(static_cast<float>(norm * (x[i] + mean_[i])));
    }
    return result;
  }

  /// Norms evenly spread over the magnitudes between `least` and `most`.
  std::vector<float> vectors_of_norms(std::size_t count, double least, double most) {
    std::vector<float> result = vectors(count);
    std::uniform_real_distribution<double> exponent(std::log(least), std::log(most));
    for (std::size_t n = 0; n < count; ++n) {
      double squared = 0;
      for (std::size_t i = 0; i < dims_; ++i)
        squared += static_cast<double>(result[n * dims_ + i]) * result[n * dims_ + i];
      const double factor = std::exp(exponent(random_)) / std::sqrt(squared);
      for (std::size_t i = 0; i < dims_; ++i)
        result[n * dims_ + i] = static_cast<float>(result[n * dims_ + i] * factor);
    }
    return result;
  }

 private:
  std::vector<double> unit() {
    std::vector<double> axis(dims_);
    double squared = 0;
    for (double& value : axis) {
      value = normal_(random_);
      squared += value * value;
    }
    for (double& value : axis) value /= std::sqrt(squared);
    return axis;
  }

  static void reflect(const std::vector<double>& axis, std::vector<double>& x) {
    double dot = 0;
    for (std::size_t i = 0; i < x.size(); ++i) dot += axis[i] * x[i];
    for (std::size_t i = 0; i < x.size(); ++i) x[i] -= 2 * dot * axis[i];
  }

  std::size_t dims_;
  std::mt19937 random_;
  std::normal_distribution<double> normal_;
  std::vector<double> deviations_;
  std::vector<double> mean_;
  std::vector<double> axes_[3];
};

/// Code of the Error that `work` throws, "" if it throws none.
template <class Work>
std::string error_code(Work work) {
  try {
    work();
  } catch (const embedless::base::Error& error) {
    return error.code;
  }
  return "";
}

/// Names the instances of a suite that runs once a metric.
inline std::string metric_name(const testing::TestParamInfo<embedless::base::Metric>& info) {
  constexpr const char* names[] = {"Cosine", "Ip", "L2"};
  return names[static_cast<std::size_t>(info.param)];
}

inline double dot(const float* x, const float* y, std::size_t n) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += static_cast<double>(x[i]) * y[i];
  return sum;
}

/// Vectors scaled to unit norm, as cosine works on them.
inline std::vector<float> normalised(std::vector<float> vectors, std::size_t dims) {
  for (std::size_t first = 0; first < vectors.size(); first += dims) {
    const double norm = std::sqrt(dot(&vectors[first], &vectors[first], dims));
    for (std::size_t i = 0; i < dims; ++i) vectors[first + i] = static_cast<float>(vectors[first + i] / norm);
  }
  return vectors;
}

}  // namespace synthetic
