#include "kernel/rows.h"

#if defined(__aarch64__) || defined(_M_ARM64)

#include "kernel/neon_lanes.h"
#include "kernel/rows_loops.h"

namespace embedless::kernel {
namespace {

struct NeonRows : Neon {
  struct Pair {
    Register low, high;
  };

  static uint32x4_t four(const std::uint8_t* p) {
    std::uint32_t word;
    std::memcpy(&word, p, sizeof word);
    return vmovl_u16(vget_low_u16(vmovl_u8(vcreate_u8(word))));
  }
  static Register bytes(const std::uint8_t* p) { return vcvtq_f32_u32(four(p)); }
  static Register signed_bytes(const std::uint8_t* p) {
    std::uint32_t word;
    std::memcpy(&word, p, sizeof word);
    return vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(vreinterpret_s8_u8(vcreate_u8(word))))));
  }
  static Pair nibbles(const std::uint8_t* p) {
    const uint32x4_t both = four(p);
    return {vcvtq_f32_u32(vandq_u32(both, vdupq_n_u32(15))), vcvtq_f32_u32(vshrq_n_u32(both, 4))};
  }
};

}  // namespace

constinit const RowTable neon_rows = row_loops::table<NeonRows>("neon");

}  // namespace embedless::kernel

#endif
