#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "kernel/kernel.h"

/// What the two AVX-512 tables share. Everything has internal linkage: each file compiles its own copy.
namespace embedless::kernel {
namespace {

struct Avx512 {
  using Register = __m512;
  static constexpr std::size_t width = 16;
  static constexpr std::size_t rows = 4;
  static constexpr std::size_t columns = 5;

  static Register zero() { return _mm512_setzero_ps(); }
  static Register splat(float x) { return _mm512_set1_ps(x); }
  static Register load(const float* p) { return _mm512_loadu_ps(p); }
  static Register load_part(const float* p, std::size_t count) {
    return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1u), p);
  }
  static void store(float* p, Register r) { _mm512_storeu_ps(p, r); }
  static Register add(Register a, Register b) { return _mm512_add_ps(a, b); }
  static Register subtract(Register a, Register b) { return _mm512_sub_ps(a, b); }
  static Register multiply_add(Register a, Register b, Register c) { return _mm512_fmadd_ps(a, b, c); }
  static float sum(Register r) { return _mm512_reduce_add_ps(r); }
};

/// The u16 sums of 64 bytes: `both` sums pairs of bytes as words modulo 65,536, `odd` the upper bytes alone, so
/// that the lower ones are `both - 256 odd`.
struct Sums {
  __m512i both = _mm512_setzero_si512();
  __m512i odd = _mm512_setzero_si512();

  inline void add(__m512i bytes) {
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

inline __m512 linear(float low, float step, __m512 value) {
  return _mm512_add_ps(_mm512_set1_ps(low), _mm512_mul_ps(_mm512_set1_ps(step), value));
}

/// Sixteen factors from node i on.
template <FactorForm form>
inline __m512 factors(const std::uint8_t* from, std::size_t i, float low, float step) {
  if constexpr (form == FactorForm::byte) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i));
    return linear(low, step, _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes)));
  } else {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + 2 * i)));
  }
}

/// By value: the compiler could not rule out that a written estimate changes a query it only sees by reference.
template <FactorForm form>
inline std::uint64_t finish_form(ScanQuery query, const BlockView& block, const std::uint16_t* sums,
                                 float threshold, float* estimates) {
  const __m512 least = _mm512_set1_ps(threshold);
  const __m512 factor = _mm512_set1_ps(query.sum_factor);
  std::uint64_t mask = 0;
  for (std::size_t i = 0; i < block_nodes; i += 16) {
    const __m256i sixteen = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(sums + i));
    const __m512 sum = linear(query.sum_offset, query.sum_step, _mm512_cvtepi32_ps(_mm512_cvtepu16_epi32(sixteen)));
    const __m512 scale = factors<form>(block.scale, i, query.scale_low, query.scale_step);
    const __m512 add = factors<form>(block.add, i, query.add_low, query.add_step);
    const __m512 estimate =
        _mm512_add_ps(linear(query.base, query.add_sign, add), _mm512_mul_ps(_mm512_mul_ps(factor, scale), sum));
    _mm512_storeu_ps(estimates + i, estimate);
    mask |= static_cast<std::uint64_t>(_mm512_cmp_ps_mask(estimate, least, _CMP_GE_OQ)) << i;
  }
  return mask;
}

inline std::uint64_t finish(const ScanQuery& query, const BlockView& block, const std::uint16_t* sums, float threshold,
                            float* estimates) {
  return query.form == FactorForm::byte ? finish_form<FactorForm::byte>(query, block, sums, threshold, estimates)
                                        : finish_form<FactorForm::half>(query, block, sums, threshold, estimates);
}

}  // namespace
}  // namespace embedless::kernel
