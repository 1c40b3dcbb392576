#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/stop.h"
#include "code/eigen.h"

namespace embedless::code {

struct LeadingOptions {
  std::size_t order = 0;
  std::size_t count = 0;  // leading eigenpairs wanted; order must exceed count + 64
  std::size_t rank = 0;   // the matrix is known to have no more than this, at least 1
  std::uint64_t seed = 0;
  unsigned threads = 1;
  const base::StopFlag* stop = nullptr;
};

/// About the leading `count` eigenpairs of a positive semi-definite matrix by subspace iteration with 64 directions to
/// spare and a final Rayleigh-Ritz step (Halko, Martinsson, Tropp: "Finding structure with randomness", 2011). Leading
/// pairs are exact to float precision; the last few mix with neighbours of almost equal value, which costs a code
/// nothing. Pairs beyond `rank` have the value 0 and random directions orthogonal to all others.
/// @returns `count` values, and vectors [count][order].
Eigen leading_eigen(const std::vector<double>& matrix, const LeadingOptions& options);

}  // namespace embedless::code
