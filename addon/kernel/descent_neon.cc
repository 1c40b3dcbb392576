#include "kernel/descent.h"

#if defined(__aarch64__) || defined(_M_ARM64)

#include <arm_neon.h>

#include "kernel/descent_loops.h"

namespace embedless::kernel {
namespace {

struct Neon {
  using Register = float32x4_t;
  static constexpr std::size_t width = 4;

  static Register splat(float x) { return vdupq_n_f32(x); }
  static Register load(const float* p) { return vld1q_f32(p); }
  static void store(float* p, Register r) { vst1q_f32(p, r); }
  static Register add(Register a, Register b) { return vaddq_f32(a, b); }
  static Register multiply(Register a, Register b) { return vmulq_f32(a, b); }
  static Register multiply_add(Register a, Register b, Register c) { return vfmaq_f32(c, a, b); }
  static Register divide(Register a, Register b) { return vdivq_f32(a, b); }
  static Register absolute(Register a) { return vabsq_f32(a); }
  static Register larger(Register a, Register b) { return vmaxq_f32(a, b); }
  static std::uint32_t equal(Register a, Register b) {
    static const std::uint32_t bits[4] = {1, 2, 4, 8};
    return vaddvq_u32(vandq_u32(vceqq_f32(a, b), vld1q_u32(bits)));
  }
};

}  // namespace

const DescentTable neon_descent{"neon", descent_loops::products<Neon>, descent_loops::nearest<Neon>,
                                descent_loops::best_angle<Neon>};

}  // namespace embedless::kernel

#endif
