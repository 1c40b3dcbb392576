#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/stop.h"
#include "code/pca.h"

namespace embedless::code {

/// A pair of projections [projected][dims]: <A q, B x> stands for <q, x>, q and x less the passages' mean.
struct Sides {
  std::vector<float> passage;  // B
  std::vector<float> query;    // A; empty where it is B
};

struct ProjectionOptions {
  std::size_t dims = 0;
  std::size_t projected = 0;  // at most as many as there are components
  std::uint64_t seed = 0;
  unsigned threads = 1;
  const base::StopFlag* stop = nullptr;
};

/// The leading principal directions, turned by a random rotation that spreads the variance evenly over the numbers:
/// then one pair of limits suits them all (LeanVec-ID).
Sides pca_sides(const Pca& pca, const ProjectionOptions& options);

/// Projections fitted to sample queries (LeanVec-OOD in the closed form of GleanVec, Tepper and others, arXiv
/// 2410.22347): they minimise the mean of (<q, x> - <A q, B x>)^2. With K the second moment of the queries and K = L
/// L', and E the leading eigenvectors of L' Cov(x) L, that is A = E L^-1 and B = E L'. K is taken as 0.7 of the
/// queries' and 0.3 of the passages', so that some 50 queries suffice and others like the passages are served too. Each
/// pair of rows is then scaled so that neither side carries more than the other, and both sides are turned by one
/// random rotation, which on real queries halves the candidates needed with 4 bits.
/// @param queries row-major, centred by `pca.mean`; at least one.
/// @throws Stopped
Sides ood_sides(const Pca& pca, std::span<const float> queries, const ProjectionOptions& options);

}  // namespace embedless::code
