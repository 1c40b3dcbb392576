#pragma once

#include <cstddef>
#include <cstdint>

/// The inner loops of scanning rows of vectors in small numbers: a query of floats against the codes of one row. One
/// file an instruction set (rows_*.cc), chosen along with `kernel::active()`. Pointers may be unaligned; sizes are
/// counted in numbers of the vector. Sums differ between instruction sets by rounding.
namespace embedless::kernel {

/// Sums over the numbers c of a row: q * c, c, and c * c.
struct RowSums {
  float dot;
  float sum;
  float squares;
};

struct RowTable {
  const char* name;  ///< "scalar", "avx2", "avx512" or "neon".

  /// Sum of q[i] * codes[i].
  float (*dot_bytes)(const float* q, const std::uint8_t* codes, std::size_t n);
  /// Sum of q[i] * c[i], where byte i < (n + 1) / 2 holds c[i] in its low four bits and c[(n + 1) / 2 + i] in the
  /// others.
  float (*dot_nibbles)(const float* q, const std::uint8_t* codes, std::size_t n);

  /// Sums of unsigned bytes, of signed bytes, and of IEEE float16 in native byte order.
  RowSums (*bytes)(const float* q, const std::uint8_t* codes, std::size_t n);
  RowSums (*signed_bytes)(const float* q, const std::uint8_t* codes, std::size_t n);
  RowSums (*halves)(const float* q, const std::uint8_t* codes, std::size_t n);
};

/// The table that belongs to `active()`.
const RowTable& rows();

extern const RowTable scalar_rows;
#if defined(__x86_64__) || defined(_M_X64)
extern const RowTable avx2_rows;
extern const RowTable avx512_rows;
#endif
#if defined(__aarch64__) || defined(_M_ARM64)
extern const RowTable neon_rows;
#endif

}  // namespace embedless::kernel
