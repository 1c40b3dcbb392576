#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "base/float16.h"
#include "base/parallel.h"
#include "base/random.h"
#include "code/code_search.h"
#include "code/codebook.h"
#include "code/encoder.h"
#include "code/estimator.h"
#include "code/kmeans.h"
#include "code/pca.h"
#include "code/rates.h"
#include "code/rho.h"
#include "code/saved_form.h"
#include "code/vectors.h"
#include "kernel/kernel.h"

namespace embedless::code {
namespace {

/// Vectors that k-means looks at; more change no recall.
constexpr std::size_t sample_size = 16384;
/// Vectors whose factors set the ranges.
constexpr std::size_t range_sample = 4096;
/// Vectors of one task.
constexpr std::size_t task_rows = 64;
/// Rounding to bytes is felt from this share of a code's squared error on: there the error grows by 1.5 %. Real vectors
/// of 384 dims lose a thousandth with 48 bytes and a fortieth with 192.
constexpr double felt_share = 1.0 / 32;

float rounded(float value) { return base::from_half(base::to_half(value)); }

/// The power of two at or below the standard deviation of the leading component. Every centroid is at most sqrt(n)
/// standard deviations long, so float16 holds it in this unit.
float unit_of(double leading_variance) {
  return static_cast<float>(std::exp2(std::clamp(std::ilogb(std::sqrt(leading_variance)), -100, 100)));
}

/// Rounds a row to whole steps, `saved::most_steps` of them for its largest number. Adds the squares of what that
/// changes. Returns the step.
float round_to_steps(std::span<float> row, double& changed) {
  float largest = 0;
  for (const float value : row) largest = std::max(largest, std::fabs(value));
  const float step = largest / saved::most_steps;
  for (float& value : row) {
    constexpr float most = saved::most_steps;
    const float whole = step > 0 ? std::clamp(std::round(value / step), -most, most) * step : 0.0f;
    const double change = static_cast<double>(whole) - value;
    changed += change * change;
    value = whole;
  }
  return step;
}

class Trainer {
 public:
  Trainer(std::span<const float> vectors, const TrainOptions& options)
      : vectors_(vectors), options_(options), count_(count_vectors(vectors, options.dims)) {
    base::expect(count_ >= 1, "at least one vector", "vectors", count_);
  }

  std::shared_ptr<const Codebook> run() {
    parts_.metric = options_.metric;
    parts_.dims = options_.dims;
    sample_ = base::random_sample(count_, sample_size, options_.seed);
    const Pca pca = find_components();
    std::vector<Factors> factors = fit(pca, CodebookForm::bytes);
    if (rounding_is_felt(pca, factors)) factors = fit(pca, CodebookForm::halves);
    parts_.ranges = fit_ranges(options_.metric, factors);
    parts_.rho = rho();
    return std::make_shared<const Codebook>(std::move(parts_));
  }

 private:
  void read(std::size_t index, float* out) const {
    admit(options_.metric, &vectors_[index * options_.dims], options_.dims, out, index);
  }

  Pca find_components() const {
    return principal_components([this](std::size_t index, float* out) { read(index, out); },
                                {.count = count_,
                                 .dims = options_.dims,
                                 .components = std::min(options_.dims, max_components),
                                 .seed = options_.seed,
                                 .threads = options_.threads,
                                 .stop = options_.stop});
  }

  /// Makes rotation and centroids of a form. Returns the factors of the sample.
  std::vector<Factors> fit(const Pca& pca, CodebookForm form) {
    parts_.form = form;
    parts_.mean = pca.mean;
    std::vector<double> bits = rates(pca.variances, options_.bytes);
    // Measured on real vectors of 384 dims: those without bits change neither recall nor recomputes.
    if (form == CodebookForm::bytes) std::erase(bits, 0.0);
    parts_.components = bits.size();
    parts_.starts = subspace_starts(bits, options_.bytes);
    parts_.centroid_unit = form == CodebookForm::halves ? unit_of(pca.variances.front()) : 1;
    parts_.rotation_steps.assign(form == CodebookForm::bytes ? bits.size() : 0, 0);
    parts_.centroid_steps = parts_.rotation_steps;
    turn_changed_ = 0;
    centroids_changed_.assign(bits.size(), 0);
    round_rotation(pca);
    find_centroids(rotated_sample());
    return sample_factors();
  }

  void round_rotation(const Pca& pca) {
    const std::size_t dims = options_.dims;
    parts_.rotation.assign(pca.directions.begin(),
                           pca.directions.begin() + static_cast<std::ptrdiff_t>(parts_.components * dims));
    for (std::size_t i = 0; i < parts_.components; ++i) {
      base::check(options_.stop);
      const std::span row(&parts_.rotation[i * dims], dims);
      if (parts_.form == CodebookForm::bytes) {
        parts_.rotation_steps[i] = round_to_steps(row, turn_changed_);
      } else {
        std::transform(row.begin(), row.end(), row.begin(), rounded);
      }
    }
  }

  /// Whether rounding to bytes adds noticeably to what the codes leave out of half of the sample. The other half may be
  /// far longer, and then no measure for it.
  bool rounding_is_felt(const Pca& pca, const std::vector<Factors>& factors) const {
    std::vector<double> errors;
    for (const Factors& each : factors) errors.push_back(static_cast<double>(each.error) * each.error);
    const auto middle = errors.begin() + static_cast<std::ptrdiff_t>(errors.size() / 2);
    std::nth_element(errors.begin(), middle, errors.end());
    const double length = std::accumulate(pca.variances.begin(), pca.variances.end(), 0.0);
    const double by_turn = turn_changed_ / static_cast<double>(options_.dims) * length;
    const double by_centroids =
        std::accumulate(centroids_changed_.begin(), centroids_changed_.end(), 0.0) / centroid_count;
    return by_turn + by_centroids > felt_share * *middle;
  }

  /// Principal components of the sample, [sample][components].
  std::vector<float> rotated_sample() const {
    const std::size_t dims = options_.dims;
    std::vector<float> rotated(sample_.size() * parts_.components);
    base::parallel_for(options_.threads, (sample_.size() + task_rows - 1) / task_rows, [&](std::size_t task) {
      const std::size_t first = task * task_rows;
      const std::size_t rows = std::min(task_rows, sample_.size() - first);
      std::vector<float> centred(dims);
      for (std::size_t row = first; row < first + rows; ++row) {
        base::check(options_.stop);
        read(sample_[row], centred.data());
        for (std::size_t i = 0; i < dims; ++i) centred[i] -= parts_.mean[i];
        kernel::active().multiply(centred.data(), parts_.rotation.data(), &rotated[row * parts_.components], 1,
                                  parts_.components, dims);
      }
    });
    return rotated;
  }

  void find_centroids(const std::vector<float>& rotated) {
    parts_.centroids.resize(parts_.components * centroid_count);
    const std::size_t subspaces = parts_.starts.size() - 1;
    base::parallel_for(options_.threads, subspaces, [&](std::size_t task) {
      // The last subspaces are the widest: first come the long tasks.
      cluster(subspaces - 1 - task, rotated);
    });
  }

  void cluster(std::size_t subspace, const std::vector<float>& rotated) {
    const std::size_t start = parts_.starts[subspace];
    const std::size_t width = parts_.starts[subspace + 1] - start;
    std::vector<float> points(sample_.size() * width);
    for (std::size_t row = 0; row < sample_.size(); ++row) {
      std::copy_n(&rotated[row * parts_.components + start], width, &points[row * width]);
    }
    base::Random random(options_.seed + 1 + subspace);
    std::vector<float> centroids = kmeans(points, {.width = width, .seed = random.next(), .stop = options_.stop});
    for (std::size_t i = 0; i < width; ++i) {
      const std::span row(&centroids[i * centroid_count], centroid_count);
      if (parts_.form == CodebookForm::bytes) {
        parts_.centroid_steps[start + i] = round_to_steps(row, centroids_changed_[start + i]);
      } else {
        const float unit = parts_.centroid_unit;
        std::transform(row.begin(), row.end(), row.begin(),
                       [unit](float value) { return rounded(value / unit) * unit; });
      }
    }
    std::copy(centroids.begin(), centroids.end(), &parts_.centroids[start * centroid_count]);
  }

  /// What the sample's factors would be if they were stored exactly.
  std::vector<Factors> sample_factors() const {
    const Codebook codebook(parts_);
    const std::size_t count = std::min(sample_.size(), range_sample);
    std::vector<Factors> factors(count);
    base::parallel_for(options_.threads, (count + task_rows - 1) / task_rows, [&](std::size_t task) {
      CodeSearch search(codebook);
      std::vector<std::uint8_t> code(codebook.subspaces());
      const std::size_t last = std::min(count, (task + 1) * task_rows);
      for (std::size_t first = task * task_rows; first < last; first += CodeSearch::batch) {
        base::check(options_.stop);
        const std::size_t size = std::min(CodeSearch::batch, last - first);
        for (std::size_t i = 0; i < size; ++i) read(sample_[first + i], search.vectors() + i * options_.dims);
        search.project(size);
        for (std::size_t i = 0; i < size; ++i) factors[first + i] = search.search(i, code.data());
      }
    });
    return factors;
  }

  /// The error constant, measured with that of the parts at 1.
  float rho() {
    const float otherwise = std::exchange(parts_.rho, 1.0f);
    const std::size_t dims = options_.dims;
    std::vector<float> passages(std::min(sample_.size(), rho_passages) * dims);
    for (std::size_t i = 0; i * dims < passages.size(); ++i) read(sample_[i], &passages[i * dims]);
    const Codebook codebook(parts_);
    const RhoCode measured{
        .encode = [&](std::span<const float> vectors) { return encode(codebook, vectors, options_.stop); },
        .prepare = [&](std::span<const float> query) -> RhoCode::Estimate {
          const auto estimator = std::make_shared<const Estimator>(codebook, query);
          return [estimator](const std::uint8_t* row, std::span<const FactorException> own) -> RowEstimate {
            const auto [residual, rounding] = estimator->errors(row, own.data(), own.size());
            return {
                .estimate = estimator->estimate(row, own.data(), own.size()), .sigma = residual, .rounding = rounding};
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
  std::size_t count_;
  CodebookParts parts_;
  std::vector<std::size_t> sample_;        // vectors, in random order
  double turn_changed_ = 0;                // squares of what rounding changed of the rotation
  std::vector<double> centroids_changed_;  // [components], of the centroids
};

}  // namespace

std::shared_ptr<const Codebook> Codebook::train(std::span<const float> vectors, const TrainOptions& options) {
  base::expect(options.dims >= 1 && options.dims <= max_dims, "1 to 8192", "dims", options.dims);
  base::expect(options.bytes >= 1 && options.bytes <= max_code_bytes, "1 to 255", "bytes", options.bytes);
  base::expect(options.threads >= 1, "at least 1", "threads", options.threads);
  base::expect(options.metric <= base::Metric::l2, "0 to 2", "metric", static_cast<std::uint64_t>(options.metric));
  return Trainer(vectors, options).run();
}

}  // namespace embedless::code
