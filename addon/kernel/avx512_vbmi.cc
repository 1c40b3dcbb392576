#include "kernel/instruction_sets.h"

#if EMBEDLESS_X86

#include "kernel/avx512_lanes.h"
#include "kernel/processor.h"
#include "kernel/scan_loops.h"

namespace embedless::kernel {
namespace {

bool supported() { return processor().avx512vbmi; }

/// One subspace of 64 nodes: each `vpermi2b` looks up in 128 entries, the top bit of the code chooses between the two.
inline __m512i look_up(const std::uint8_t* table, __m512i codes) {
  const __m512i first = _mm512_loadu_si512(table);
  const __m512i second = _mm512_loadu_si512(table + 64);
  const __m512i third = _mm512_loadu_si512(table + 128);
  const __m512i fourth = _mm512_loadu_si512(table + 192);
  const __m512i low = _mm512_permutex2var_epi8(first, codes, second);
  const __m512i high = _mm512_permutex2var_epi8(third, codes, fourth);
  return _mm512_mask_blend_epi8(_mm512_movepi8_mask(codes), low, high);
}

/// The u16 sums of 64 bytes: `both` sums pairs of bytes as words modulo 65,536, `odd` the upper bytes alone, so
/// that the lower ones are `both - 256 odd`.
struct BlockSums {
  __m512i both = _mm512_setzero_si512();
  __m512i odd = _mm512_setzero_si512();

  inline void add(const std::uint8_t* table, const std::uint8_t* codes) {
    const __m512i bytes = look_up(table, _mm512_loadu_si512(codes));
    both = _mm512_add_epi16(both, bytes);
    odd = _mm512_add_epi16(odd, _mm512_srli_epi16(bytes, 8));
  }

  inline void store(std::uint16_t* sums) const {
    const __m512i even = _mm512_sub_epi16(both, _mm512_slli_epi16(odd, 8));
    const __m512i low = _mm512_unpacklo_epi16(even, odd);
    const __m512i high = _mm512_unpackhi_epi16(even, odd);
    const __m512i lower_half = _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11);
    const __m512i upper_half = _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15);
    _mm512_storeu_si512(sums, _mm512_permutex2var_epi64(low, lower_half, high));
    _mm512_storeu_si512(sums + 32, _mm512_permutex2var_epi64(low, upper_half, high));
  }
};

struct VbmiScan : Avx512 {
  using Sums = BlockSums;
  static constexpr std::size_t looked_up = block_nodes;
};

}  // namespace

constinit const Table avx512vbmi_table =
    scan_loops::table<Avx512>("avx512vbmi", supported, scan_loops::lookup<VbmiScan>, scan_loops::scan_block<VbmiScan>);

}  // namespace embedless::kernel

#endif
