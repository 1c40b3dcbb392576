#pragma once

#include <arm_neon.h>

#include <cstddef>

/// Floats in Advanced SIMD registers. Everything has internal linkage: each file compiles its own copy.
namespace embedless::kernel {
namespace {

struct Neon {
  using Register = float32x4_t;
  static constexpr std::size_t width = 4;
  static constexpr std::size_t rows = 4;
  static constexpr std::size_t columns = 4;

  static Register zero() { return vdupq_n_f32(0); }
  static Register splat(float x) { return vdupq_n_f32(x); }
  static Register load(const float* p) { return vld1q_f32(p); }
  static Register load_part(const float* p, std::size_t count) {
    float lanes[width] = {};
    for (std::size_t i = 0; i < count; ++i) lanes[i] = p[i];
    return vld1q_f32(lanes);
  }
  static void store(float* p, Register r) { vst1q_f32(p, r); }
  static Register add(Register a, Register b) { return vaddq_f32(a, b); }
  static Register subtract(Register a, Register b) { return vsubq_f32(a, b); }
  static Register multiply_add(Register a, Register b, Register c) { return vfmaq_f32(c, a, b); }
  static float sum(Register r) { return vaddvq_f32(r); }
};

}  // namespace
}  // namespace embedless::kernel
