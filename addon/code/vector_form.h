#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/metric.h"
#include "base/stop.h"

namespace embedless::code {

/// Forms of vectors that need no training. Rows are little-endian:
///
///   float32  [f32 x dims]                    the vector as given
///   float16  [f32 unit][f16 x dims]          x = unit * half; the unit, a power of two of each vector's own, puts the
///                                            largest number at 2^14, so that no norm costs more than half precision
///   lvq8     [f32 low][f32 step][u8 x dims]  x = low + step * byte, with limits of each vector's own (arXiv 2304.04759)
///   int8     [f32 scale][f32 e][i8 x dims]   x = scale * byte; scale = |x|^2 / <x, bytes> makes estimates unbiased and
///                                            e = |x - scale * bytes|
///
/// Under cosine int8 normalises first; the others keep the vector as given and normalise only where they estimate.
enum class VectorForm : std::uint8_t { float32 = 0, float16 = 1, lvq8 = 2, int8 = 3 };

/// Rows of one form.
struct VectorRows {
  VectorForm form = VectorForm::float32;
  std::size_t dims = 0;
  base::Metric metric = base::Metric::cosine;

  std::size_t row_bytes() const;
};

/// Encodes row-major vectors.
/// @throws Error INVALID_VECTOR naming the vector (not finite; norm above 1e15; under cosine zero, or for the forms
/// that keep the vector as given below 1e-30), INVALID_ARGUMENT for a length that is no multiple of dims; Stopped.
std::vector<std::uint8_t> encode_vectors(const VectorRows& rows, std::span<const float> vectors,
                                         const base::StopFlag* stop = nullptr);

/// Vectors of encoded rows, row-major. @throws Error INVALID_ARGUMENT for a length that is no multiple of a row.
std::vector<float> decode_vectors(const VectorRows& rows, std::span<const std::uint8_t> encoded);

}  // namespace embedless::code
