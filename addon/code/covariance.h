#pragma once

#include <cstddef>
#include <vector>

#include "code/pca.h"

namespace embedless::code {

/// Mean of the vectors, summed in double over fixed chunks.
std::vector<double> mean_of(const VectorReader& read, const PcaOptions& options);

/// Covariance about `mean`, [dims][dims], both triangles. Products of 256 vectors are summed in float by the kernel,
/// everything beyond in double.
std::vector<double> covariance_of(const VectorReader& read, const std::vector<float>& mean, const PcaOptions& options);

}  // namespace embedless::code
