#include "code/pca.h"

#include <algorithm>

#include "code/covariance.h"
#include "code/eigen.h"
#include "code/leading_eigen.h"

namespace embedless::code {
namespace {

/// Widest covariance that is solved wholly.
constexpr std::size_t max_whole = 1088;
/// Smallest variance, as a share of the trace: below it lies rounding.
constexpr double floor_share = 1e-7;

}  // namespace

Pca principal_components(const VectorReader& read, const PcaOptions& options) {
  const std::vector<double> mean = mean_of(read, options);
  Pca result;
  result.mean.assign(mean.begin(), mean.end());
  std::vector<double> covariance = covariance_of(read, result.mean, options);
  double trace = 0;
  for (std::size_t i = 0; i < options.dims; ++i) trace += covariance[i * options.dims + i];
  const Eigen eigen = options.dims <= max_whole
                          ? symmetric_eigen(std::move(covariance), options.dims, options.stop)
                          : leading_eigen(covariance, {.order = options.dims,
                                                       .count = options.components,
                                                       .rank = std::min(options.count, options.dims),
                                                       .seed = options.seed,
                                                       .threads = options.threads,
                                                       .stop = options.stop});
  const auto kept = static_cast<std::ptrdiff_t>(options.components);
  // Vectors that are all equal have no variance to share bits by; then every component gets the same.
  result.variances.assign(options.components, 1.0);
  if (trace > 0) {
    std::transform(eigen.values.begin(), eigen.values.begin() + kept, result.variances.begin(),
                   [&](double value) { return std::max(value, floor_share * trace); });
  }
  result.directions.assign(eigen.vectors.begin(),
                           eigen.vectors.begin() + kept * static_cast<std::ptrdiff_t>(options.dims));
  return result;
}

}  // namespace embedless::code
