#include "instruction_sets.h"

#if EMBEDLESS_X86

#include "avx512_lanes.h"
#include "float_loops.h"
#include "processor.h"

namespace embedless::kernel {
namespace {

bool supported() { return processor().avx512; }

/// One subspace of 64 nodes, by the slices and quarters that the AVX2 file explains.
inline __m512i look_up(const std::uint8_t* table, __m512i codes) {
  const __m512i sixteen = _mm512_set1_epi8(16);
  __m512i index = _mm512_and_si512(codes, _mm512_set1_epi8(0x3f));
  __m512i quarter[4];
  __m512i before[4];
  for (int t = 0; t < 4; ++t) {
    for (int q = 0; q < 4; ++q) {
      const __m128i entries = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table + 64 * q + 16 * t));
      const __m512i slice = _mm512_broadcast_i32x4(entries);
      const __m512i change = t == 0 ? slice : _mm512_xor_si512(slice, before[q]);
      const __m512i found = _mm512_shuffle_epi8(change, index);
      quarter[q] = t == 0 ? found : _mm512_xor_si512(quarter[q], found);
      before[q] = slice;
    }
    index = _mm512_sub_epi8(index, sixteen);
  }
  const __mmask64 bit6 = _mm512_test_epi8_mask(codes, _mm512_set1_epi8(0x40));
  const __m512i low = _mm512_mask_blend_epi8(bit6, quarter[0], quarter[1]);
  const __m512i high = _mm512_mask_blend_epi8(bit6, quarter[2], quarter[3]);
  return _mm512_mask_blend_epi8(_mm512_movepi8_mask(codes), low, high);
}

void lookup(const ScanQuery& query, const std::uint8_t* codes, std::uint16_t* sums) {
  Sums total;
  const std::uint8_t* table = query.tables;
  for (std::size_t j = 0; j < query.subspaces; ++j, table += 256, codes += block_nodes) {
    total.add(look_up(table, _mm512_loadu_si512(codes)));
  }
  total.store(sums);
}

std::uint64_t scan_block(const ScanQuery& query, const BlockView& block, float threshold, float* estimates) {
  std::uint16_t sums[block_nodes];
  lookup(query, block.codes, sums);
  return finish(query, block, sums, threshold, estimates);
}

}  // namespace

const Table avx512_table{
    "avx512",
    supported,
    loops::dot<Avx512>,
    loops::squared_l2<Avx512>,
    loops::squared_norm<Avx512>,
    loops::axpy<Avx512>,
    loops::multiply<Avx512>,
    lookup,
    scan_block,
};

}  // namespace embedless::kernel

#endif
