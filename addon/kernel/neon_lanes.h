#pragma once

#include <arm_neon.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

/// Floats in Advanced SIMD registers: what the loops of all files ask of them. Everything has internal linkage: each
/// file compiles its own copy.
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
  static Register multiply(Register a, Register b) { return vmulq_f32(a, b); }
  static Register divide(Register a, Register b) { return vdivq_f32(a, b); }
  static Register absolute(Register a) { return vabsq_f32(a); }
  static Register larger(Register a, Register b) { return vmaxq_f32(a, b); }
  static std::uint32_t equal(Register a, Register b) { return bits(vceqq_f32(a, b)); }
  static std::uint32_t at_least(Register a, Register b) { return bits(vcgeq_f32(a, b)); }
  static Register multiply_add(Register a, Register b, Register c) { return vfmaq_f32(c, a, b); }
  static float sum(Register r) { return vaddvq_f32(r); }

  static Register halves(const std::uint8_t* p) { return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(p))); }

 private:
  static std::uint32_t bits(uint32x4_t lanes) {
    static const std::uint32_t places[4] = {1, 2, 4, 8};
    return vaddvq_u32(vandq_u32(lanes, vld1q_u32(places)));
  }
};

}  // namespace
}  // namespace embedless::kernel
