#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

/// Floats in AVX2 registers: what the loops of all files ask of them. Everything has internal linkage: each file
/// compiles its own copy.
namespace embedless::kernel {
namespace {

struct Avx2 {
  using Register = __m256;
  static constexpr std::size_t width = 8;
  static constexpr std::size_t rows = 4;
  static constexpr std::size_t columns = 3;

  static Register zero() { return _mm256_setzero_ps(); }
  static Register splat(float x) { return _mm256_set1_ps(x); }
  static Register load(const float* p) { return _mm256_loadu_ps(p); }
  static Register load_part(const float* p, std::size_t count) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_maskload_ps(p, _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), lane));
  }
  static void store(float* p, Register r) { _mm256_storeu_ps(p, r); }
  static Register add(Register a, Register b) { return _mm256_add_ps(a, b); }
  static Register subtract(Register a, Register b) { return _mm256_sub_ps(a, b); }
  static Register multiply(Register a, Register b) { return _mm256_mul_ps(a, b); }
  static Register divide(Register a, Register b) { return _mm256_div_ps(a, b); }
  static Register absolute(Register a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
  static Register larger(Register a, Register b) { return _mm256_max_ps(a, b); }
  static std::uint32_t equal(Register a, Register b) { return bits(_mm256_cmp_ps(a, b, _CMP_EQ_OQ)); }
  static std::uint32_t at_least(Register a, Register b) { return bits(_mm256_cmp_ps(a, b, _CMP_GE_OQ)); }
  static Register multiply_add(Register a, Register b, Register c) { return _mm256_fmadd_ps(a, b, c); }
  static float sum(Register r) {
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(r), _mm256_extractf128_ps(r, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
  }

  static Register bytes(const std::uint8_t* p) { return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(eight_bytes(p))); }
  static Register halves(const std::uint8_t* p) {
    return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  static Register words(const std::uint16_t* p) {
    return _mm256_cvtepi32_ps(_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
  }
  static __m128i eight_bytes(const std::uint8_t* p) { return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)); }

 private:
  static std::uint32_t bits(Register lanes) { return static_cast<std::uint32_t>(_mm256_movemask_ps(lanes)); }
};

}  // namespace
}  // namespace embedless::kernel
