#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

/// Floats in AVX-512 registers: what the loops of all files ask of them. Everything has internal linkage: each file
/// compiles its own copy.
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
  static Register multiply(Register a, Register b) { return _mm512_mul_ps(a, b); }
  static Register divide(Register a, Register b) { return _mm512_div_ps(a, b); }
  static Register absolute(Register a) { return _mm512_abs_ps(a); }
  static Register larger(Register a, Register b) { return _mm512_max_ps(a, b); }
  static std::uint32_t equal(Register a, Register b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
  static std::uint32_t at_least(Register a, Register b) { return _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ); }
  static Register multiply_add(Register a, Register b, Register c) { return _mm512_fmadd_ps(a, b, c); }
  static float sum(Register r) { return _mm512_reduce_add_ps(r); }

  static Register bytes(const std::uint8_t* p) { return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(sixteen_bytes(p))); }
  static Register halves(const std::uint8_t* p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static Register words(const std::uint16_t* p) {
    return _mm512_cvtepi32_ps(_mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))));
  }
  static __m128i sixteen_bytes(const std::uint8_t* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }
};

}  // namespace
}  // namespace embedless::kernel
