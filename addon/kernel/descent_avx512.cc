#include "kernel/descent.h"

#if defined(__x86_64__) || defined(_M_X64)

#include <immintrin.h>

#include "kernel/descent_loops.h"

namespace embedless::kernel {
namespace {

struct Avx512 {
  using Register = __m512;
  static constexpr std::size_t width = 16;

  static Register splat(float x) { return _mm512_set1_ps(x); }
  static Register load(const float* p) { return _mm512_loadu_ps(p); }
  static void store(float* p, Register r) { _mm512_storeu_ps(p, r); }
  static Register add(Register a, Register b) { return _mm512_add_ps(a, b); }
  static Register multiply(Register a, Register b) { return _mm512_mul_ps(a, b); }
  static Register multiply_add(Register a, Register b, Register c) { return _mm512_fmadd_ps(a, b, c); }
  static Register divide(Register a, Register b) { return _mm512_div_ps(a, b); }
  static Register absolute(Register a) { return _mm512_abs_ps(a); }
  static Register larger(Register a, Register b) { return _mm512_max_ps(a, b); }
  static std::uint32_t equal(Register a, Register b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
};

}  // namespace

const DescentTable avx512_descent{"avx512", descent_loops::products<Avx512>, descent_loops::nearest<Avx512>,
                                  descent_loops::best_angle<Avx512>};

}  // namespace embedless::kernel

#endif
