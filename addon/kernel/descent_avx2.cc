#include "kernel/descent.h"

#if defined(__x86_64__) || defined(_M_X64)

#include <immintrin.h>

#include "kernel/descent_loops.h"

namespace embedless::kernel {
namespace {

struct Avx2 {
  using Register = __m256;
  static constexpr std::size_t width = 8;

  static Register splat(float x) { return _mm256_set1_ps(x); }
  static Register load(const float* p) { return _mm256_loadu_ps(p); }
  static void store(float* p, Register r) { _mm256_storeu_ps(p, r); }
  static Register add(Register a, Register b) { return _mm256_add_ps(a, b); }
  static Register multiply(Register a, Register b) { return _mm256_mul_ps(a, b); }
  static Register multiply_add(Register a, Register b, Register c) { return _mm256_fmadd_ps(a, b, c); }
  static Register divide(Register a, Register b) { return _mm256_div_ps(a, b); }
  static Register absolute(Register a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
  static Register larger(Register a, Register b) { return _mm256_max_ps(a, b); }
  static std::uint32_t equal(Register a, Register b) {
    return static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_EQ_OQ)));
  }
};

}  // namespace

const DescentTable avx2_descent{"avx2", descent_loops::products<Avx2>, descent_loops::nearest<Avx2>,
                                descent_loops::best_angle<Avx2>};

}  // namespace embedless::kernel

#endif
