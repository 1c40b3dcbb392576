#include "code/covariance.h"

#include <algorithm>

#include "base/parallel.h"
#include "kernel/kernel.h"

namespace embedless::code {
namespace {

/// Vectors whose products are summed in float before double takes over.
constexpr std::size_t chunk_rows = 256;
/// Chunks that are transposed before their products are taken.
constexpr std::size_t slab_chunks = 8;
/// Vectors transposed together: 16 floats fill a cache line.
constexpr std::size_t strip_rows = 16;
/// Side of a square of the covariance that one task works on.
constexpr std::size_t tile = 128;
/// Vectors of one partial mean.
constexpr std::size_t mean_rows = 256;

/// Sums products slab by slab. A task owns a square of the matrix and meets the chunks in order, so that sums do not
/// depend on the number of threads.
class Accumulator {
 public:
  Accumulator(const VectorReader& read, const std::vector<float>& mean, const PcaOptions& options)
      : read_(read),
        mean_(mean),
        options_(options),
        dims_(options.dims),
        transposed_(std::min(slab_chunks, (options.count + chunk_rows - 1) / chunk_rows) * dims_ * chunk_rows),
        sums_(dims_ * dims_) {}

  std::vector<double> run() {
    const std::size_t tiles = (dims_ + tile - 1) / tile;
    const std::size_t chunks = (options_.count + chunk_rows - 1) / chunk_rows;
    for (std::size_t first = 0; first < chunks; first += slab_chunks) {
      const std::size_t count = std::min(slab_chunks, chunks - first);
      base::parallel_for(options_.threads, count, [&](std::size_t chunk) { transpose(first + chunk, chunk); });
      base::parallel_for(options_.threads, tiles * (tiles + 1) / 2, [&](std::size_t pair) { add_tile(pair, count); });
    }
    finish();
    return std::move(sums_);
  }

 private:
  /// Centred vectors of a chunk as [dims][chunk_rows], zeros behind the last.
  void transpose(std::size_t chunk, std::size_t slot) {
    float* out = &transposed_[slot * dims_ * chunk_rows];
    std::vector<float> strip(strip_rows * dims_);
    for (std::size_t row = 0; row < chunk_rows; row += strip_rows) {
      base::check(options_.stop);
      read_strip(chunk * chunk_rows + row, strip);
      for (std::size_t i = 0; i < dims_; ++i) {
        for (std::size_t r = 0; r < strip_rows; ++r) out[i * chunk_rows + row + r] = strip[r * dims_ + i];
      }
    }
  }

  void read_strip(std::size_t first, std::vector<float>& strip) const {
    for (std::size_t r = 0; r < strip_rows; ++r) {
      float* vector = &strip[r * dims_];
      if (first + r >= options_.count) {
        std::fill(vector, vector + dims_, 0.0f);
        continue;
      }
      read_(first + r, vector);
      for (std::size_t i = 0; i < dims_; ++i) vector[i] -= mean_[i];
    }
  }

  /// Squares of the lower triangle, counted row by row.
  void add_tile(std::size_t pair, std::size_t chunks) {
    std::size_t row_tile = 0;
    while (pair > row_tile) pair -= ++row_tile;
    const std::size_t row = row_tile * tile;
    const std::size_t column = pair * tile;
    const std::size_t rows = std::min(tile, dims_ - row);
    const std::size_t columns = std::min(tile, dims_ - column);
    std::vector<float> products(rows * columns);
    for (std::size_t chunk = 0; chunk < chunks; ++chunk) {
      base::check(options_.stop);
      const float* values = &transposed_[chunk * dims_ * chunk_rows];
      kernel::active().multiply(values + row * chunk_rows, values + column * chunk_rows, products.data(), rows, columns,
                                chunk_rows);
      for (std::size_t i = 0; i < rows; ++i) {
        double* sums = &sums_[(row + i) * dims_ + column];
        for (std::size_t j = 0; j < columns; ++j) sums[j] += products[i * columns + j];
      }
    }
  }

  void finish() {
    const double share = 1.0 / static_cast<double>(options_.count);
    for (std::size_t i = 0; i < dims_; ++i) {
      base::check(options_.stop);
      for (std::size_t j = 0; j <= i; ++j) {
        const double value = sums_[i * dims_ + j] * share;
        sums_[i * dims_ + j] = value;
        sums_[j * dims_ + i] = value;
      }
    }
  }

  const VectorReader& read_;
  const std::vector<float>& mean_;
  const PcaOptions& options_;
  std::size_t dims_;
  std::vector<float> transposed_;  // [slab_chunks][dims][chunk_rows]
  std::vector<double> sums_;       // [dims][dims]
};

}  // namespace

std::vector<double> mean_of(const VectorReader& read, const PcaOptions& options) {
  const std::size_t dims = options.dims;
  const std::size_t chunks = (options.count + mean_rows - 1) / mean_rows;
  std::vector<double> partial(chunks * dims);
  base::parallel_for(options.threads, chunks, [&](std::size_t chunk) {
    std::vector<float> vector(dims);
    double* sum = &partial[chunk * dims];
    const std::size_t last = std::min(options.count, (chunk + 1) * mean_rows);
    for (std::size_t row = chunk * mean_rows; row < last; ++row) {
      if (row % strip_rows == 0) base::check(options.stop);
      read(row, vector.data());
      for (std::size_t i = 0; i < dims; ++i) sum[i] += vector[i];
    }
  });
  std::vector<double> mean(dims);
  for (std::size_t chunk = 0; chunk < chunks; ++chunk) {
    for (std::size_t i = 0; i < dims; ++i) mean[i] += partial[chunk * dims + i];
  }
  for (double& value : mean) value /= static_cast<double>(options.count);
  return mean;
}

std::vector<double> covariance_of(const VectorReader& read, const std::vector<float>& mean, const PcaOptions& options) {
  return Accumulator(read, mean, options).run();
}

}  // namespace embedless::code
