#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/stop.h"

namespace embedless::code {

struct KmeansOptions {
  /// Numbers of a point.
  std::size_t width = 1;
  std::size_t rounds = 12;
  std::uint64_t seed = 0;
  const base::StopFlag* stop = nullptr;
};

/// 256 centroids of `points` (row-major, `width` numbers each; at least one point) by Lloyd's rounds from seeded
/// points; a centroid that attracts none starts again from a random point. Fewer distinct points than centroids is
/// legal: some centroids then coincide. Ties go to the lower centroid. One thread, so the same on any number of them.
/// @returns [width][256]: coordinate by coordinate, the layout of the lookup.
std::vector<float> kmeans(std::span<const float> points, const KmeansOptions& options);

}  // namespace embedless::code
