#pragma once

#include <cstddef>
#include <cstdint>

/// The inner loops of encoding and k-means: one vector against the 256 centroids of a subspace. One file an instruction
/// set (descent_*.cc), chosen along with `kernel::active()`. Pointers may be unaligned; sizes are counted in elements.
namespace embedless::kernel {

/// Centroids of every subspace.
inline constexpr std::size_t descent_centroids = 256;

struct DescentTable {
  const char* name;  ///< "scalar", "avx2", "avx512" or "neon".

  /// products[c] = sum over i < width of x[i] * centroids[i][c], for the 256 columns of centroids [width][256].
  void (*products)(const float* x, const float* centroids, std::size_t width, float* products);

  /// The nearest centroid: the lowest c with the largest products[c] - squared_norms[c] / 2.
  std::uint8_t (*nearest)(const float* products, const float* squared_norms);

  /// The centroid that brings the whole code closest in angle: the lowest c with the largest t|t| / (yy +
  /// squared_norms[c]), t = xy + products[c], which orders as t / sqrt(...) does; xy and yy belong to all other
  /// subspaces.
  std::uint8_t (*best_angle)(float xy, float yy, const float* products, const float* squared_norms);
};

/// The table that belongs to `active()`.
const DescentTable& descent();

extern const DescentTable scalar_descent;
#if defined(__x86_64__) || defined(_M_X64)
extern const DescentTable avx2_descent;
extern const DescentTable avx512_descent;
#endif
#if defined(__aarch64__) || defined(_M_ARM64)
extern const DescentTable neon_descent;
#endif

}  // namespace embedless::kernel
