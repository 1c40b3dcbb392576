#include "code/eigen.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/error.h"

namespace embedless::code {
namespace {

/// QL takes about 1.7 iterations an eigenvalue.
constexpr int max_iterations = 64;

/// Four chains keep additions from waiting for each other.
double dot(const double* x, const double* y, std::size_t n) {
  double sums[4] = {0, 0, 0, 0};
  std::size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    for (std::size_t j = 0; j < 4; ++j) sums[j] += x[i + j] * y[i + j];
  }
  for (; i < n; ++i) sums[0] += x[i] * y[i];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

void axpy(double a, const double* x, double* y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) y[i] += a * x[i];
}

class Solver {
 public:
  Solver(std::vector<double> matrix, std::size_t order, const base::StopFlag* stop)
      : matrix_(std::move(matrix)),
        order_(order),
        stop_(stop),
        diagonal_(order),
        beside_(order),
        factors_(order),
        rows_(order * order) {}

  Eigen run() {
    tridiagonalise();
    unfold_reflections();
    for (std::size_t first = 0; first < order_; ++first) isolate(first);
    return sorted();
  }

 private:
  double* row(std::size_t i) { return &matrix_[i * order_]; }

  /// Reflects column k below the diagonal onto one entry, for every k. Works on the lower triangle; row k of the upper
  /// one, no longer needed, keeps the reflection's vector from k + 1 on.
  void tridiagonalise() {
    std::vector<double> product(order_);
    for (std::size_t k = 0; k + 2 < order_; ++k) {
      base::check(stop_);
      diagonal_[k] = row(k)[k];
      factors_[k] = reflect(k);
      if (factors_[k] != 0) update_remaining(k, product);
    }
    if (order_ >= 2) {
      diagonal_[order_ - 2] = row(order_ - 2)[order_ - 2];
      beside_[order_ - 2] = row(order_ - 1)[order_ - 2];
    }
    diagonal_[order_ - 1] = row(order_ - 1)[order_ - 1];
  }

  /// Makes the reflection I - factor v v' that maps column k onto its first entry; returns factor, 0 for none.
  double reflect(std::size_t k) {
    const std::size_t size = order_ - k - 1;
    double* v = row(k) + k + 1;
    double largest = 0;
    for (std::size_t i = 0; i < size; ++i) {
      v[i] = row(k + 1 + i)[k];
      largest = std::max(largest, std::fabs(v[i]));
    }
    beside_[k] = v[0];
    if (largest == 0) return 0;
    for (std::size_t i = 0; i < size; ++i) v[i] /= largest;
    const double norm = std::copysign(std::sqrt(dot(v, v, size)), v[0]);
    beside_[k] = -norm * largest;
    v[0] += norm;
    return 1 / (norm * v[0]);
  }

  /// A := H A H on what lies beyond column k, as the rank-two update A - v w' - w v'.
  void update_remaining(std::size_t k, std::vector<double>& w) {
    const std::size_t size = order_ - k - 1;
    const double* v = row(k) + k + 1;
    std::fill(w.begin(), w.begin() + static_cast<std::ptrdiff_t>(size), 0.0);
    for (std::size_t i = 0; i < size; ++i) {
      const double* values = row(k + 1 + i) + k + 1;
      w[i] += dot(values, v, i) + values[i] * v[i];
      axpy(v[i], values, w.data(), i);
    }
    for (std::size_t i = 0; i < size; ++i) w[i] *= factors_[k];
    axpy(-0.5 * factors_[k] * dot(w.data(), v, size), v, w.data(), size);
    for (std::size_t i = 0; i < size; ++i) {
      double* values = row(k + 1 + i) + k + 1;
      for (std::size_t j = 0; j <= i; ++j) values[j] -= v[i] * w[j] + w[i] * v[j];
    }
  }

  /// rows_ := the transposed product of all reflections, last one first so that each touches only its own corner.
  void unfold_reflections() {
    for (std::size_t i = 0; i < order_; ++i) rows_[i * order_ + i] = 1;
    for (std::size_t k = order_ >= 2 ? order_ - 2 : 0; k-- > 0;) {
      if (factors_[k] == 0) continue;
      base::check(stop_);
      const std::size_t size = order_ - k - 1;
      const double* v = row(k) + k + 1;
      for (std::size_t i = k + 1; i < order_; ++i) {
        double* values = &rows_[i * order_ + k + 1];
        axpy(-factors_[k] * dot(values, v, size), v, values, size);
      }
    }
  }

  /// Whether the entry beside diagonal element i is as good as zero, against its neighbours or the whole matrix.
  bool negligible(std::size_t i) const {
    const double near = std::fabs(diagonal_[i]) + std::fabs(diagonal_[i + 1]);
    return std::fabs(beside_[i]) <= std::numeric_limits<double>::epsilon() * std::max(near, 0.01 * scale_);
  }

  void isolate(std::size_t first) {
    if (first == 0) {
      for (std::size_t i = 0; i < order_; ++i)
        scale_ = std::max({scale_, std::fabs(diagonal_[i]), std::fabs(beside_[i])});
    }
    for (int iteration = 0;; ++iteration) {
      std::size_t last = first;
      while (last + 1 < order_ && !negligible(last)) ++last;
      if (last == first) return;
      if (iteration == max_iterations) {
        throw base::Error("INVALID_ARGUMENT", "The covariance of the vectors has no eigenvalues within 64 iterations.");
      }
      base::check(stop_);
      sweep(first, last);
    }
  }

  /// One implicit QL step on [first, last] with Wilkinson's shift.
  void sweep(std::size_t first, std::size_t last) {
    const double ratio = (diagonal_[first + 1] - diagonal_[first]) / (2 * beside_[first]);
    const double root = std::hypot(ratio, 1.0);
    double g = diagonal_[last] - diagonal_[first] + beside_[first] / (ratio + std::copysign(root, ratio));
    double sine = 1;
    double cosine = 1;
    double shift = 0;
    for (std::size_t i = last; i-- > first;) {
      const double f = sine * beside_[i];
      const double b = cosine * beside_[i];
      const double r = std::hypot(f, g);
      beside_[i + 1] = r;
      if (r == 0) {
        diagonal_[i + 1] -= shift;
        beside_[last] = 0;
        return;
      }
      sine = f / r;
      cosine = g / r;
      g = diagonal_[i + 1] - shift;
      const double t = (diagonal_[i] - g) * sine + 2 * cosine * b;
      shift = sine * t;
      diagonal_[i + 1] = g + shift;
      g = cosine * t - b;
      rotate(i, cosine, sine);
    }
    diagonal_[first] -= shift;
    beside_[first] = g;
    beside_[last] = 0;
  }

  void rotate(std::size_t i, double cosine, double sine) {
    double* upper = &rows_[i * order_];
    double* lower = upper + order_;
    for (std::size_t k = 0; k < order_; ++k) {
      const double x = upper[k];
      const double y = lower[k];
      upper[k] = cosine * x - sine * y;
      lower[k] = sine * x + cosine * y;
    }
  }

  Eigen sorted() const {
    std::vector<std::size_t> rank(order_);
    std::iota(rank.begin(), rank.end(), std::size_t{0});
    std::stable_sort(rank.begin(), rank.end(),
                     [this](std::size_t i, std::size_t j) { return diagonal_[i] > diagonal_[j]; });
    Eigen result;
    result.vectors.reserve(order_ * order_);
    for (const std::size_t i : rank) {
      result.values.push_back(diagonal_[i]);
      const auto vector = rows_.begin() + static_cast<std::ptrdiff_t>(i * order_);
      result.vectors.insert(result.vectors.end(), vector, vector + static_cast<std::ptrdiff_t>(order_));
    }
    return result;
  }

  std::vector<double> matrix_;
  std::size_t order_;
  const base::StopFlag* stop_;
  std::vector<double> diagonal_;  // of the tridiagonal form, at last the eigenvalues
  std::vector<double> beside_;    // entry i lies between diagonal elements i and i + 1
  std::vector<double> factors_;   // of the reflections
  std::vector<double> rows_;      // at last the eigenvectors, one a row
  double scale_ = 0;              // largest entry of the tridiagonal form
};

}  // namespace

Eigen symmetric_eigen(std::vector<double> matrix, std::size_t order, const base::StopFlag* stop) {
  return Solver(std::move(matrix), order, stop).run();
}

}  // namespace embedless::code
