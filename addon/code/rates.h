#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace embedless::code {

/// Bits of one code byte, and of one component at most: 256 centroids cannot tell more apart.
inline constexpr double byte_bits = 8;

/// Bits for each component by reverse water-filling: max(0, 0.5 * log2(variance / theta)), at most 8, with theta such
/// that they sum to 8 * `bytes`; all 8 where there are no more components than bytes. Exactly 0 from the first
/// component on whose variance is not above theta.
/// @param variances positive, falling.
std::vector<double> rates(std::span<const double> variances, std::size_t bytes);

/// Cuts the components into runs of about 8 bits, one code byte each: component i belongs to run
/// min(bytes - 1, floor((bits up to and with i - half of its own) / 8)); runs that stay empty are dropped.
/// @returns start of each run, then the number of components.
std::vector<std::uint32_t> subspace_starts(std::span<const double> rates, std::size_t bytes);

}  // namespace embedless::code
