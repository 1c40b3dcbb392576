#include "kernel/walk.h"

#if defined(__aarch64__) || defined(_M_ARM64)

#include "kernel/fetch_line.h"
#include "kernel/neon_lanes.h"
#include "kernel/walk_loops.h"

namespace embedless::kernel {
namespace {

struct NeonWalk : Neon {
  using Words = int32x4_t;
  static constexpr std::size_t byte_width = 16;

  static Register load_bytes(const std::uint8_t* p) { return vreinterpretq_f32_u8(vld1q_u8(p)); }

  static Register even(const std::uint8_t* p) {
    return vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_u8(vld1q_u8(p)), 16));
  }
  static Register odd(const std::uint8_t* p) {
    return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_u8(vld1q_u8(p)), vdupq_n_u32(0xffff0000u)));
  }

  static float half(const std::uint8_t* p) {
    const uint16x4_t bits = vdup_n_u16(walk_loops::get<std::uint16_t>(p));
    return vgetq_lane_f32(vcvt_f32_f16(vreinterpret_f16_u16(bits)), 0);
  }

  static Words no_words() { return vdupq_n_s32(0); }
  static Words add_bytes(Words words, const std::uint8_t* bytes, const std::int16_t* query) {
    const uint8x16_t sixteen = vld1q_u8(bytes);
    const int16x8_t low = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(sixteen)));
    const int16x8_t high = vreinterpretq_s16_u16(vmovl_u8(vget_high_u8(sixteen)));
    const int16x8_t first = vld1q_s16(query);
    const int16x8_t second = vld1q_s16(query + 8);
    words = vmlal_s16(words, vget_low_s16(low), vget_low_s16(first));
    words = vmlal_s16(words, vget_high_s16(low), vget_high_s16(first));
    words = vmlal_s16(words, vget_low_s16(high), vget_low_s16(second));
    return vmlal_s16(words, vget_high_s16(high), vget_high_s16(second));
  }
  static std::int32_t sum_words(Words a, Words b) { return vaddvq_s32(vaddq_s32(a, b)); }

  static void fetch(const std::uint8_t* p) { fetch_line(p); }
};

}  // namespace

constinit const WalkTable neon_walk{"neon",
                                    walk_loops::floats<NeonWalk>,
                                    walk_loops::uppers<NeonWalk>,
                                    walk_loops::halves<NeonWalk>,
                                    walk_loops::bytes<NeonWalk>,
                                    walk_loops::arrange<NeonWalk>,
                                    walk_loops::arrange_uppers<NeonWalk>,
                                    walk_loops::widen<NeonWalk>};

}  // namespace embedless::kernel

#endif
