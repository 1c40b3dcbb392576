#pragma once

#include <immintrin.h>

#include <cstddef>

/// Floats in AVX2 registers. Everything has internal linkage: each file compiles its own copy.
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
  static Register multiply_add(Register a, Register b, Register c) { return _mm256_fmadd_ps(a, b, c); }
  static float sum(Register r) {
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(r), _mm256_extractf128_ps(r, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
  }
};

}  // namespace
}  // namespace embedless::kernel
