#include "kernel/instruction_sets.h"

#if EMBEDLESS_X86

#include "kernel/avx2_lanes.h"
#include "kernel/float_loops.h"
#include "kernel/processor.h"

namespace embedless::kernel {
namespace {

bool supported() { return processor().avx2; }

/// Sixteen entries of a table in both halves of a register: what one `pshufb` can look up in.
inline __m256i slice(const std::uint8_t* table, int which) {
  return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table + 16 * which)));
}

/// One subspace of 32 nodes. A table of 256 bytes is eight parts of two slices. `pshufb` yields 0 where the top bit
/// of an index is set; adding 0x70 sets it exactly where the five low bits of a code lie in the other slice, so a
/// part is the `or` of two lookups. The three high bits of the code then choose the part.
inline __m256i look_up(const std::uint8_t* table, __m256i codes) {
  const __m256i other = _mm256_set1_epi8(0x70);
  const __m256i low = _mm256_and_si256(codes, _mm256_set1_epi8(0x1f));
  const __m256i first = _mm256_add_epi8(low, other);
  const __m256i second = _mm256_add_epi8(_mm256_xor_si256(low, _mm256_set1_epi8(16)), other);
  const auto part = [&](int p) {
    return _mm256_or_si256(_mm256_shuffle_epi8(slice(table, 2 * p), first),
                           _mm256_shuffle_epi8(slice(table, 2 * p + 1), second));
  };
  const __m256i bit6 = _mm256_add_epi8(codes, codes);
  const __m256i bit5 = _mm256_add_epi8(bit6, bit6);
  const auto two = [&](int p) { return _mm256_blendv_epi8(part(p), part(p + 1), bit5); };
  const auto four = [&](int p) { return _mm256_blendv_epi8(two(p), two(p + 2), bit6); };
  return _mm256_blendv_epi8(four(0), four(4), codes);
}

/// The u16 sums of 32 bytes: `both` sums pairs of bytes as words modulo 65,536, `odd` the upper bytes alone, so
/// that the lower ones are `both - 256 odd`.
struct Sums {
  __m256i both = _mm256_setzero_si256();
  __m256i odd = _mm256_setzero_si256();

  inline void add(__m256i bytes) {
    both = _mm256_add_epi16(both, bytes);
    odd = _mm256_add_epi16(odd, _mm256_srli_epi16(bytes, 8));
  }

  inline void store(std::uint16_t* sums) const {
    const __m256i even = _mm256_sub_epi16(both, _mm256_slli_epi16(odd, 8));
    const __m256i low = _mm256_unpacklo_epi16(even, odd);
    const __m256i high = _mm256_unpackhi_epi16(even, odd);
    auto* to = reinterpret_cast<__m256i*>(sums);
    _mm256_storeu_si256(to, _mm256_permute2x128_si256(low, high, 0x20));
    _mm256_storeu_si256(to + 1, _mm256_permute2x128_si256(low, high, 0x31));
  }
};

}  // namespace

/// Half a block at a time: with both halves at once the registers do not suffice, which costs a fifth.
void avx2_lookup(const ScanQuery& query, const std::uint8_t* codes, std::uint16_t* sums) {
  for (std::size_t half = 0; half < block_nodes; half += 32) {
    Sums total;
    const std::uint8_t* table = query.tables;
    const std::uint8_t* from = codes + half;
    for (std::size_t j = 0; j < query.subspaces; ++j, table += 256, from += block_nodes) {
      total.add(look_up(table, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))));
    }
    total.store(sums + half);
  }
}

namespace {

inline __m256 bytes_to_floats(const std::uint8_t* p) {
  return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
}

inline __m256 linear(float low, float step, __m256 value) {
  return _mm256_add_ps(_mm256_set1_ps(low), _mm256_mul_ps(_mm256_set1_ps(step), value));
}

/// Eight factors from node i on.
template <FactorForm form>
inline __m256 factors(const std::uint8_t* from, std::size_t i, float low, float step) {
  if constexpr (form == FactorForm::byte) {
    return linear(low, step, bytes_to_floats(from + i));
  } else {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from + 2 * i)));
  }
}

/// By value: the compiler could not rule out that a written estimate changes a query it only sees by reference.
template <FactorForm form>
std::uint64_t finish(ScanQuery query, const BlockView& block, const std::uint16_t* sums, float threshold,
                     float* estimates) {
  const __m256 least = _mm256_set1_ps(threshold);
  const __m256 factor = _mm256_set1_ps(query.sum_factor);
  std::uint64_t mask = 0;
  for (std::size_t i = 0; i < block_nodes; i += 8) {
    const __m128i eight = _mm_loadu_si128(reinterpret_cast<const __m128i*>(sums + i));
    const __m256 sum = linear(query.sum_offset, query.sum_step, _mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(eight)));
    const __m256 scale = factors<form>(block.scale, i, query.scale_low, query.scale_step);
    const __m256 add = factors<form>(block.add, i, query.add_low, query.add_step);
    const __m256 estimate =
        _mm256_add_ps(linear(query.base, query.add_sign, add), _mm256_mul_ps(_mm256_mul_ps(factor, scale), sum));
    _mm256_storeu_ps(estimates + i, estimate);
    const int reached = _mm256_movemask_ps(_mm256_cmp_ps(estimate, least, _CMP_GE_OQ));
    mask |= static_cast<std::uint64_t>(static_cast<unsigned>(reached)) << i;
  }
  return mask;
}

}  // namespace

std::uint64_t avx2_scan_block(const ScanQuery& query, const BlockView& block, float threshold, float* estimates) {
  std::uint16_t sums[block_nodes];
  avx2_lookup(query, block.codes, sums);
  return query.form == FactorForm::byte ? finish<FactorForm::byte>(query, block, sums, threshold, estimates)
                                        : finish<FactorForm::half>(query, block, sums, threshold, estimates);
}

const Table avx2_table{
    "avx2",
    supported,
    loops::dot<Avx2>,
    loops::squared_l2<Avx2>,
    loops::squared_norm<Avx2>,
    loops::axpy<Avx2>,
    loops::multiply<Avx2>,
    avx2_lookup,
    avx2_scan_block,
};

}  // namespace embedless::kernel

#endif
