#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/stop.h"
#include "code/codebook.h"
#include "code/exception_list.h"

namespace embedless::code {

/// Encoded vectors: rows of `row_bytes` each, [code bytes][s][a][e], and the factors that did not fit, by rising row.
struct Encoded {
  std::vector<std::uint8_t> rows;
  std::vector<FactorException> exceptions;
};

/// Vectors of one `encode` at most: an exception names its row with 16 bits.
inline constexpr std::size_t max_encode_rows = 65536;

/// Encodes row-major vectors: in every subspace the nearest centroid, then two rounds of coordinate descent on the
/// cosine between the centred vector X and its centroids D; s = |X|^2 / <X, D> makes estimates unbiased, e = |X - sD|
/// bounds their error. Works on the calling thread. Results do not depend on how vectors are cut into calls.
/// @throws Error INVALID_VECTOR naming the vector (zero under cosine, not finite, norm above 1e15), INVALID_ARGUMENT
/// for a length that is no multiple of dims, LIMIT above `max_encode_rows`; Stopped.
Encoded encode(const Codebook& codebook, std::span<const float> vectors, const base::StopFlag* stop = nullptr);

/// Approximate vectors of encoded rows, m + V s D, row-major; unit norm under cosine only up to the code's error.
/// `exceptions` are those that came with the rows.
/// @throws Error INVALID_ARGUMENT for a length that is no multiple of `row_bytes`, CORRUPT for an exception of no row.
std::vector<float> decode(const Codebook& codebook, std::span<const std::uint8_t> rows,
                          std::span<const FactorException> exceptions);

}  // namespace embedless::code
