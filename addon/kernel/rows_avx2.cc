#include "kernel/rows.h"

#if defined(__x86_64__) || defined(_M_X64)

#include "kernel/avx2_lanes.h"
#include "kernel/rows_loops.h"

namespace embedless::kernel {
namespace {

struct Avx2Rows : Avx2 {
  struct Pair {
    Register low, high;
  };

  static Register signed_bytes(const std::uint8_t* p) {
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(eight_bytes(p)));
  }
  static Pair nibbles(const std::uint8_t* p) {
    const __m256i both = _mm256_cvtepu8_epi32(eight_bytes(p));
    return {_mm256_cvtepi32_ps(_mm256_and_si256(both, _mm256_set1_epi32(15))),
            _mm256_cvtepi32_ps(_mm256_srli_epi32(both, 4))};
  }
};

}  // namespace

constinit const RowTable avx2_rows = row_loops::table<Avx2Rows>("avx2");

}  // namespace embedless::kernel

#endif
