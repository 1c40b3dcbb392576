#include "kernel/rows.h"

#if defined(__x86_64__) || defined(_M_X64)

#include "kernel/avx512_lanes.h"
#include "kernel/rows_loops.h"

namespace embedless::kernel {
namespace {

struct Avx512Rows : Avx512 {
  struct Pair {
    Register low, high;
  };

  static Register signed_bytes(const std::uint8_t* p) {
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(sixteen_bytes(p)));
  }
  static Pair nibbles(const std::uint8_t* p) {
    const __m512i both = _mm512_cvtepu8_epi32(sixteen_bytes(p));
    return {_mm512_cvtepi32_ps(_mm512_and_si512(both, _mm512_set1_epi32(15))),
            _mm512_cvtepi32_ps(_mm512_srli_epi32(both, 4))};
  }
};

}  // namespace

constinit const RowTable avx512_rows = row_loops::table<Avx512Rows>("avx512");

}  // namespace embedless::kernel

#endif
