#include <algorithm>
#include <cmath>
#include <utility>

#include "code/code_search.h"
#include "code/codebook.h"
#include "code/encoder.h"
#include "code/estimator.h"
#include "code/expect.h"
#include "code/float16.h"
#include "code/kmeans.h"
#include "code/parallel.h"
#include "code/pca.h"
#include "code/random.h"
#include "code/rates.h"
#include "code/rho.h"
#include "code/sample.h"
#include "code/vectors.h"
#include "kernel/kernel.h"

namespace embedless::code {
namespace {

/// Vectors that k-means looks at; more change no recall.
constexpr size_t sample_size = 16384;
/// Vectors whose factors set the ranges.
constexpr size_t range_sample = 4096;
/// Vectors of one task.
constexpr size_t task_rows = 64;

float rounded(float value) { return from_half(to_half(value)); }

/// The power of two at or below the standard deviation of the leading component. Every centroid is at most sqrt(n)
/// standard deviations long, so float16 holds it in this unit.
float unit_of(double leading_variance) {
  return static_cast<float>(std::exp2(std::clamp(std::ilogb(std::sqrt(leading_variance)), -100, 100)));
}

class Trainer {
 public:
  Trainer(std::span<const float> vectors, const TrainOptions& options)
      : vectors_(vectors), options_(options), count_(count_vectors(vectors, options.dims)) {
    expect(count_ >= 1, "at least one vector", "vectors", count_);
  }

  std::shared_ptr<const Codebook> run() {
    parts_.metric = options_.metric;
    parts_.dims = options_.dims;
    parts_.components = std::min(options_.dims, max_components);
    find_components();
    sample_ = random_sample(count_, sample_size, options_.seed);
    find_centroids(rotated_sample());
    parts_.ranges = fit_ranges(options_.metric, sample_factors());
    parts_.rho = rho();
    return std::make_shared<const Codebook>(std::move(parts_));
  }

 private:
  void read(size_t index, float* out) const {
    admit(options_.metric, &vectors_[index * options_.dims], options_.dims, out, index);
  }

  void find_components() {
    Pca pca = principal_components([this](size_t index, float* out) { read(index, out); },
                                   {.count = count_,
                                    .dims = options_.dims,
                                    .components = parts_.components,
                                    .seed = options_.seed,
                                    .threads = options_.threads,
                                    .stop = options_.stop});
    parts_.mean = std::move(pca.mean);
    parts_.rotation = std::move(pca.directions);
    for (size_t i = 0; i < parts_.rotation.size(); ++i) {
      if (i % options_.dims == 0) check(options_.stop);
      parts_.rotation[i] = rounded(parts_.rotation[i]);
    }
    parts_.starts = subspace_starts(rates(pca.variances, options_.bytes), options_.bytes);
    parts_.centroid_unit = unit_of(pca.variances.front());
  }

  /// Principal components of the sample, [sample][components].
  std::vector<float> rotated_sample() const {
    const size_t dims = options_.dims;
    std::vector<float> rotated(sample_.size() * parts_.components);
    parallel_for(options_.threads, (sample_.size() + task_rows - 1) / task_rows, [&](size_t task) {
      const size_t first = task * task_rows;
      const size_t rows = std::min(task_rows, sample_.size() - first);
      std::vector<float> centred(dims);
      for (size_t row = first; row < first + rows; ++row) {
        check(options_.stop);
        read(sample_[row], centred.data());
        for (size_t i = 0; i < dims; ++i) centred[i] -= parts_.mean[i];
        kernel::active().multiply(centred.data(), parts_.rotation.data(), &rotated[row * parts_.components], 1,
                                  parts_.components, dims);
      }
    });
    return rotated;
  }

  void find_centroids(const std::vector<float>& rotated) {
    parts_.centroids.resize(parts_.components * centroid_count);
    const size_t subspaces = parts_.starts.size() - 1;
    parallel_for(options_.threads, subspaces, [&](size_t task) {
      // The last subspaces are the widest: first come the long tasks.
      cluster(subspaces - 1 - task, rotated);
    });
  }

  void cluster(size_t subspace, const std::vector<float>& rotated) {
    const size_t start = parts_.starts[subspace];
    const size_t width = parts_.starts[subspace + 1] - start;
    std::vector<float> points(sample_.size() * width);
    for (size_t row = 0; row < sample_.size(); ++row) {
      std::copy_n(&rotated[row * parts_.components + start], width, &points[row * width]);
    }
    Random random(options_.seed + 1 + subspace);
    std::vector<float> centroids = kmeans(points, {.width = width, .seed = random.next(), .stop = options_.stop});
    const float unit = parts_.centroid_unit;
    std::transform(centroids.begin(), centroids.end(), &parts_.centroids[start * centroid_count],
                   [unit](float value) { return rounded(value / unit) * unit; });
  }

  /// What the sample's factors would be if they were stored exactly.
  std::vector<Factors> sample_factors() const {
    const Codebook codebook(parts_);
    const size_t count = std::min(sample_.size(), range_sample);
    std::vector<Factors> factors(count);
    parallel_for(options_.threads, (count + task_rows - 1) / task_rows, [&](size_t task) {
      CodeSearch search(codebook);
      std::vector<uint8_t> code(codebook.subspaces());
      const size_t last = std::min(count, (task + 1) * task_rows);
      for (size_t first = task * task_rows; first < last; first += CodeSearch::batch) {
        check(options_.stop);
        const size_t size = std::min(CodeSearch::batch, last - first);
        for (size_t i = 0; i < size; ++i) read(sample_[first + i], search.vectors() + i * options_.dims);
        search.project(size);
        for (size_t i = 0; i < size; ++i) factors[first + i] = search.search(i, code.data());
      }
    });
    return factors;
  }

  /// The error constant, measured with that of the parts at 1.
  float rho() {
    const float otherwise = std::exchange(parts_.rho, 1.0f);
    const size_t dims = options_.dims;
    std::vector<float> passages(std::min(sample_.size(), rho_passages) * dims);
    for (size_t i = 0; i * dims < passages.size(); ++i) read(sample_[i], &passages[i * dims]);
    const Codebook codebook(parts_);
    const RhoCode measured{
        .encode = [&](std::span<const float> vectors) { return encode(codebook, vectors, options_.stop); },
        .prepare = [&](std::span<const float> query) -> RhoCode::Estimate {
          const auto estimator = std::make_shared<const Estimator>(codebook, query);
          return [estimator](const uint8_t* row, std::span<const FactorException> own) -> RowEstimate {
            return {.estimate = estimator->estimate(row, own.data(), own.size()),
                    .sigma = estimator->sigma(row, own.data(), own.size())};
          };
        }};
    return measure_rho({.dims = dims,
                        .metric = options_.metric,
                        .passages = passages,
                        .queries = {},
                        .threads = options_.threads,
                        .stop = options_.stop},
                       measured, otherwise);
  }

  std::span<const float> vectors_;
  const TrainOptions& options_;
  size_t count_;
  CodebookParts parts_;
  std::vector<size_t> sample_;  // vectors, in random order
};

}  // namespace

std::shared_ptr<const Codebook> Codebook::train(std::span<const float> vectors, const TrainOptions& options) {
  expect(options.dims >= 1 && options.dims <= max_dims, "1 to 8192", "dims", options.dims);
  expect(options.bytes >= 1 && options.bytes <= max_code_bytes, "1 to 255", "bytes", options.bytes);
  expect(options.threads >= 1, "at least 1", "threads", options.threads);
  expect(options.metric <= Metric::l2, "0 to 2", "metric", static_cast<uint64_t>(options.metric));
  return Trainer(vectors, options).run();
}

}  // namespace embedless::code
