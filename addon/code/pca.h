#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/stop.h"

namespace embedless::code {

/// Principal components of a set of vectors.
struct Pca {
  std::vector<float> mean;        // [dims]
  std::vector<double> variances;  // [components], falling, floored at 1e-7 of the trace, positive
  std::vector<float> directions;  // [components][dims], orthonormal
};

struct PcaOptions {
  std::size_t count = 0;  // vectors, at least 1
  std::size_t dims = 0;
  std::size_t components = 0;  // at most dims
  std::uint64_t seed = 0;      // first directions of the iteration above 1,088 dims
  unsigned threads = 1;
  const base::StopFlag* stop = nullptr;
};

/// Writes vector `index` (dims numbers) to `out`. Called from several threads.
using VectorReader = std::function<void(std::size_t index, float* out)>;

/// Mean and leading principal components. Up to 1,088 dims the covariance is solved wholly (Householder, then QL),
/// above that by subspace iteration. Sums run over fixed chunks in order, so any number of threads gives the
/// same result.
Pca principal_components(const VectorReader& read, const PcaOptions& options);

}  // namespace embedless::code
