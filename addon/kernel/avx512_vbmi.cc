#include "kernel/instruction_sets.h"

#if EMBEDLESS_X86

#include "kernel/avx512_lanes.h"
#include "kernel/float_loops.h"
#include "kernel/processor.h"

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

const Table avx512vbmi_table{
    "avx512vbmi",
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
