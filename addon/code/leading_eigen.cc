#include "code/leading_eigen.h"

#include <algorithm>
#include <cmath>

#include "base/parallel.h"
#include "base/random.h"
#include "kernel/kernel.h"

namespace embedless::code {
namespace {

/// Directions beyond those wanted; they speed up the convergence of the last wanted ones.
constexpr std::size_t spare = 64;
/// Steps of the iteration; after six, the variance kept lies within a millionth of the best for embeddings'
/// spectra.
constexpr int steps = 6;
/// Directions made orthogonal to all earlier ones at once.
constexpr std::size_t panel = 64;
/// Rows and columns of one product task: a few milliseconds at thousands of dims.
constexpr std::size_t task_rows = 32;
constexpr std::size_t task_columns = 256;
/// A direction whose length shrinks below half when the others are taken out of it needs another pass.
constexpr float enough = 0.5f;
constexpr int max_passes = 8;

class Iteration {
 public:
  Iteration(const std::vector<double>& matrix, const LeadingOptions& options)
      : options_(options),
        order_(options.order),
        size_(std::min(options.count + spare, options.rank)),
        random_(options.seed),
        scaled_(matrix.size()),
        basis_(size_ * order_),
        image_(size_ * order_) {
    for (std::size_t i = 0; i < order_; ++i) trace_ += matrix[i * order_ + i];
    const double share = trace_ > 0 ? 1 / trace_ : 1;
    for (std::size_t i = 0; i < matrix.size(); ++i) {
      if (i % order_ == 0) base::check(options.stop);
      scaled_[i] = static_cast<float>(matrix[i] * share);
    }
  }

  Eigen run() {
    for (float& value : basis_) value = static_cast<float>(random_.symmetric());
    orthonormalise(0);
    for (int step = 0; step < steps; ++step) {
      multiply(basis_, scaled_, image_, size_, order_, order_);
      std::swap(basis_, image_);
      orthonormalise(0);
    }
    rayleigh_ritz();
    fill_up();
    return result();
  }

 private:
  float* direction(std::size_t i) { return &basis_[i * order_]; }

  /// c[m x n] = a[m x k] * bt[n x k]', in tasks.
  void multiply(const std::vector<float>& a, const std::vector<float>& bt, std::vector<float>& c, std::size_t m,
                std::size_t n, std::size_t k) const {
    const std::size_t across = (n + task_columns - 1) / task_columns;
    const std::size_t down = (m + task_rows - 1) / task_rows;
    base::parallel_for(options_.threads, across * down, [&](std::size_t task) {
      base::check(options_.stop);
      const std::size_t row = task / across * task_rows;
      const std::size_t column = task % across * task_columns;
      const std::size_t rows = std::min(task_rows, m - row);
      const std::size_t columns = std::min(task_columns, n - column);
      std::vector<float> products(rows * columns);
      kernel::active().multiply(&a[row * k], &bt[column * k], products.data(), rows, columns, k);
      for (std::size_t i = 0; i < rows; ++i) {
        std::copy_n(&products[i * columns], columns, &c[(row + i) * n + column]);
      }
    });
  }

  /// Takes directions [first, last) out of `vector` and normalises it; returns the share of its length that was left.
  float project(float* vector, std::size_t first, std::size_t last, std::vector<float>& shares) {
    const kernel::Table& loops = kernel::active();
    const float before = std::sqrt(loops.squared_norm(vector, order_));
    shares.resize(last - first);
    for (std::size_t j = first; j < last; ++j) shares[j - first] = loops.dot(vector, direction(j), order_);
    for (std::size_t j = first; j < last; ++j) loops.axpy(-shares[j - first], direction(j), vector, order_);
    const float after = std::sqrt(loops.squared_norm(vector, order_));
    if (!(after > 0)) return 0;
    for (std::size_t i = 0; i < order_; ++i) vector[i] /= after;
    return before > 0 ? after / before : 0;
  }

  /// Repeats `project` until little changes. What is then left of a direction that was nearly a combination of the
  /// others is rounding noise, which is as good as a random direction.
  void clear(float* vector, std::size_t first, std::size_t last) {
    std::vector<float> shares;
    for (int pass = 0; pass < max_passes; ++pass) {
      base::check(options_.stop);
      if (project(vector, first, last, shares) > enough) return;
    }
  }

  /// Gram-Schmidt, panel by panel: against all earlier panels in parallel, within the panel one after the other.
  /// Those before `start` are orthonormal already.
  void orthonormalise(std::size_t start) {
    for (std::size_t i = start; i < size_; ++i) {
      float* vector = direction(i);
      if (kernel::active().squared_norm(vector, order_) > 0) continue;
      for (std::size_t j = 0; j < order_; ++j) vector[j] = static_cast<float>(random_.symmetric());
    }
    for (std::size_t first = start; first < size_; first += panel) {
      const std::size_t last = std::min(first + panel, size_);
      base::parallel_for(options_.threads, last - first, [&](std::size_t i) { clear(direction(first + i), 0, first); });
      std::vector<float> shares;
      for (std::size_t i = first; i < last; ++i) {
        if (project(direction(i), first, i, shares) <= enough) clear(direction(i), 0, i);
      }
    }
  }

  /// Turns the basis into the eigenvectors of the matrix within its span.
  void rayleigh_ritz() {
    multiply(basis_, scaled_, image_, size_, order_, order_);
    std::vector<float> small(size_ * size_);
    multiply(image_, basis_, small, size_, size_, order_);
    std::vector<double> symmetric(size_ * size_);
    for (std::size_t i = 0; i < size_; ++i) {
      for (std::size_t j = 0; j < size_; ++j) {
        symmetric[i * size_ + j] = 0.5 * (static_cast<double>(small[i * size_ + j]) + small[j * size_ + i]);
      }
    }
    const Eigen inner = symmetric_eigen(std::move(symmetric), size_, options_.stop);
    values_ = inner.values;
    const std::vector<float> turn(inner.vectors.begin(), inner.vectors.end());
    std::vector<float> columns(order_ * size_);
    for (std::size_t i = 0; i < size_; ++i) {
      base::check(options_.stop);
      for (std::size_t j = 0; j < order_; ++j) columns[j * size_ + i] = basis_[i * order_ + j];
    }
    multiply(turn, columns, basis_, size_, order_, size_);
  }

  /// Adds random directions where the rank is below the wanted count.
  void fill_up() {
    const std::size_t found = size_;
    if (found >= options_.count) return;
    size_ = options_.count;
    values_.resize(size_, 0.0);
    basis_.resize(size_ * order_);
    for (std::size_t i = found * order_; i < basis_.size(); ++i) basis_[i] = static_cast<float>(random_.symmetric());
    orthonormalise(found);
  }

  Eigen result() const {
    Eigen eigen;
    for (std::size_t i = 0; i < options_.count; ++i) eigen.values.push_back(values_[i] * trace_);
    eigen.vectors.assign(basis_.begin(), basis_.begin() + static_cast<std::ptrdiff_t>(options_.count * order_));
    return eigen;
  }

  const LeadingOptions& options_;
  std::size_t order_;
  std::size_t size_;
  base::Random random_;
  double trace_ = 0;
  std::vector<float> scaled_;  // the matrix over its trace
  std::vector<float> basis_;   // [size][order]
  std::vector<float> image_;   // [size][order]
  std::vector<double> values_;
};

}  // namespace

Eigen leading_eigen(const std::vector<double>& matrix, const LeadingOptions& options) {
  return Iteration(matrix, options).run();
}

}  // namespace embedless::code
