#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.h"
#include "base/float16.h"
#include "base/random.h"
#include "code/covariance.h"
#include "code/lvq_code.h"
#include "code/lvq_estimator.h"
#include "code/pca.h"
#include "code/projection.h"
#include "code/rho.h"
#include "code/vectors.h"

namespace embedless::code {
namespace {

/// Of so many sample queries one is kept from the fit, to measure the error on queries that the code has not seen.
constexpr std::size_t kept_back = 4;

/// The power of two at the largest number, which float16 then holds with full precision.
float unit_of(const std::vector<float>& values) {
  float largest = 0;
  for (const float value : values) largest = std::max(largest, std::fabs(value));
  return largest > 0 ? static_cast<float>(std::exp2(std::clamp(std::ilogb(largest), -100, 100))) : 1.0f;
}

/// Rounds numbers to what float16 in steps of the unit holds.
float round_to_halves(std::vector<float>& values) {
  const float unit = unit_of(values);
  for (float& value : values) value = base::from_half(base::to_half(value / unit)) * unit;
  return unit;
}

class Trainer {
 public:
  Trainer(std::span<const float> vectors, const LvqTrainOptions& options)
      : vectors_(vectors), options_(options), count_(count_vectors(vectors, options.dims)) {
    base::expect(count_ >= 1, "at least one vector", "vectors", count_);
  }

  std::shared_ptr<const LvqCode> run() {
    read_queries();
    parts_.metric = options_.metric;
    parts_.levels = options_.levels;
    parts_.dims = options_.dims;
    parts_.projected = options_.projected;
    if (options_.projected == 0)
      find_mean();
    else
      find_projection();
    parts_.rho = 1;
    parts_.rho = rho();
    return std::make_shared<const LvqCode>(std::move(parts_));
  }

 private:
  void read(std::size_t index, float* out) const {
    admit(options_.metric, &vectors_[index * options_.dims], options_.dims, out, index);
  }

  void read_queries() {
    const std::size_t dims = options_.dims;
    const std::size_t count = count_vectors(options_.queries, dims);
    queries_.resize(count * dims);
    for (std::size_t i = 0; i < count; ++i) {
      const std::string name = "query " + std::to_string(i);
      admit(options_.metric, &options_.queries[i * dims], dims, &queries_[i * dims], name.c_str());
    }
  }

  PcaOptions pca_options() const {
    // All components for queries that may look anywhere; where there are too many, the leading ones.
    const std::size_t all = std::min(options_.dims, max_components);
    return {.count = count_,
            .dims = options_.dims,
            .components = options_.projection == Projection::ood ? all : options_.projected,
            .seed = options_.seed,
            .threads = options_.threads,
            .stop = options_.stop};
  }

  void find_mean() {
    const std::vector<double> mean =
        mean_of([this](std::size_t index, float* out) { read(index, out); }, pca_options());
    parts_.mean.assign(mean.begin(), mean.end());
  }

  void find_projection() {
    Pca pca = principal_components([this](std::size_t index, float* out) { read(index, out); }, pca_options());
    const ProjectionOptions options{.dims = options_.dims,
                                    .projected = options_.projected,
                                    .seed = options_.seed,
                                    .threads = options_.threads,
                                    .stop = options_.stop};
    Sides sides = options_.projection == Projection::pca ? pca_sides(pca, options)
                                                         : ood_sides(pca, centred(pca, fitting_queries()), options);
    parts_.mean = std::move(pca.mean);
    parts_.passage_side = std::move(sides.passage);
    parts_.passage_unit = round_to_halves(parts_.passage_side);
    parts_.query_side = std::move(sides.query);
    parts_.query_unit = round_to_halves(parts_.query_side);
  }

  bool keeps_back() const { return queries_.size() >= 2 * kept_back * options_.dims; }

  /// The queries whose number satisfies `wanted`.
  template <class Wanted>
  std::vector<float> choose_queries(Wanted wanted) const {
    const std::size_t dims = options_.dims;
    std::vector<float> chosen;
    for (std::size_t i = 0; i * dims < queries_.size(); ++i) {
      if (wanted(i)) chosen.insert(chosen.end(), &queries_[i * dims], &queries_[i * dims] + dims);
    }
    return chosen;
  }

  std::vector<float> fitting_queries() const {
    return choose_queries([this](std::size_t i) { return !keeps_back() || i % kept_back != 0; });
  }

  /// At most as many as are looked at, evenly from all.
  std::vector<float> judging_queries() const {
    const std::size_t stride = keeps_back() ? kept_back : 1;
    const std::size_t found = (queries_.size() / options_.dims + stride - 1) / stride;
    const std::size_t every = stride * std::max<std::size_t>(1, found / rho_queries);
    return choose_queries([every](std::size_t i) { return i % every == 0; });
  }

  std::vector<float> centred(const Pca& pca, std::vector<float> queries) const {
    for (std::size_t i = 0; i < queries.size(); ++i) queries[i] -= pca.mean[i % options_.dims];
    return queries;
  }

  float rho() const {
    const std::size_t dims = options_.dims;
    std::vector<float> passages;
    for (const std::size_t i : base::random_sample(count_, rho_passages, options_.seed)) {
      passages.resize(passages.size() + dims);
      read(i, &passages[passages.size() - dims]);
    }
    const std::vector<float> queries = judging_queries();
    const LvqCode code(parts_);
    const RhoCode measured{.encode = [&](std::span<const float> vectors) -> Encoded {
                             return {.rows = encode(code, vectors, options_.stop), .exceptions = {}};
                           },
                           .prepare = [&](std::span<const float> query) -> RhoCode::Estimate {
                             const auto estimator = std::make_shared<const LvqEstimator>(code, query);
                             return
                                 [estimator](const std::uint8_t* row, std::span<const FactorException>) -> RowEstimate {
                                   return {.estimate = estimator->estimate(row), .sigma = estimator->sigma(row)};
                                 };
                           }};
    const float even = 1 / std::sqrt(static_cast<float>(dims));
    return measure_rho({.dims = dims,
                        .metric = options_.metric,
                        .passages = passages,
                        .queries = queries,
                        .threads = options_.threads,
                        .stop = options_.stop},
                       measured, even);
  }

  std::span<const float> vectors_;
  const LvqTrainOptions& options_;
  std::size_t count_;
  std::vector<float> queries_;  // as `admit` wrote them
  LvqParts parts_;
};

void check_projection(const LvqTrainOptions& options) {
  const std::size_t most = std::min(options.dims, max_projected);
  base::expect(options.projected <= most, "1 to " + std::to_string(most), "projected dims", options.projected);
  base::expect(options.projected == 0 || options.levels != LvqLevels::lvq4x8, "one level", "levels of a projection", 2);
  const bool fits_queries = options.projected != 0 && options.projection == Projection::ood;
  const std::size_t given = options.queries.size();
  if (fits_queries)
    base::expect(given >= options.dims, "at least one query to fit the projection to", "queries", 0);
  else
    base::expect(given == 0, "none, as only a projection fitted to queries takes them,", "queries",
                 given / options.dims);
}

}  // namespace

std::shared_ptr<const LvqCode> LvqCode::train(std::span<const float> vectors, const LvqTrainOptions& options) {
  base::expect(options.dims >= 1 && options.dims <= max_dims, "1 to 8192", "dims", options.dims);
  base::expect(options.threads >= 1, "at least 1", "threads", options.threads);
  base::expect(options.metric <= base::Metric::l2, "0 to 2", "metric", static_cast<std::uint64_t>(options.metric));
  base::expect(options.levels <= LvqLevels::lvq4x8, "0 to 2", "levels", static_cast<std::uint64_t>(options.levels));
  check_projection(options);
  return Trainer(vectors, options).run();
}

}  // namespace embedless::code
