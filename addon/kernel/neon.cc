#include "kernel/instruction_sets.h"

#if EMBEDLESS_NEON

#include "kernel/neon_lanes.h"
#include "kernel/scan_loops.h"

namespace embedless::kernel {
namespace {

/// Advanced SIMD is part of every 64-bit Arm processor.
bool supported() { return true; }

/// A table of 256 bytes in four groups of four registers; each `tbl` or `tbx` looks up in 64 entries.
struct Lookup {
  uint8x16x4_t group[4];

  explicit inline Lookup(const std::uint8_t* table) {
    for (int g = 0; g < 4; ++g) group[g] = vld1q_u8_x4(table + 64 * g);
  }

  /// An index outside 0..63 gives 0 from `tbl` and keeps the earlier lookup in `tbx`.
  inline uint8x16_t operator()(uint8x16_t codes) const {
    const uint8x16_t step = vdupq_n_u8(64);
    uint8x16_t found = vqtbl4q_u8(group[0], codes);
    for (int g = 1; g < 4; ++g) {
      codes = vsubq_u8(codes, step);
      found = vqtbx4q_u8(found, group[g], codes);
    }
    return found;
  }
};

struct BlockSums {
  uint16x8_t total[8];

  inline BlockSums() {
    for (auto& sum : total) sum = vdupq_n_u16(0);
  }

  inline void add(const std::uint8_t* table, const std::uint8_t* codes) {
    const Lookup look_up(table);
    for (int i = 0; i < 4; ++i) {
      const uint8x16_t found = look_up(vld1q_u8(codes + 16 * i));
      total[2 * i] = vaddw_u8(total[2 * i], vget_low_u8(found));
      total[2 * i + 1] = vaddw_high_u8(total[2 * i + 1], found);
    }
  }

  inline void store(std::uint16_t* sums) const {
    for (int i = 0; i < 8; ++i) vst1q_u16(sums + 8 * i, total[i]);
  }
};

/// Eight floats: as many as a load of bytes or u16 fills.
struct Eight {
  float32x4_t low, high;
};

/// Pairs of registers, so that factors and sums are widened eight at a time.
struct NeonScan {
  using Register = Eight;
  using Sums = BlockSums;
  static constexpr std::size_t width = 8;
  static constexpr std::size_t looked_up = block_nodes;

  static Register splat(float x) { return {Neon::splat(x), Neon::splat(x)}; }
  static void store(float* p, Register r) {
    Neon::store(p, r.low);
    Neon::store(p + 4, r.high);
  }
  static Register add(Register a, Register b) { return {Neon::add(a.low, b.low), Neon::add(a.high, b.high)}; }
  static Register multiply(Register a, Register b) {
    return {Neon::multiply(a.low, b.low), Neon::multiply(a.high, b.high)};
  }
  static std::uint32_t at_least(Register a, Register b) {
    return Neon::at_least(a.low, b.low) | Neon::at_least(a.high, b.high) << 4;
  }

  static Register words(const std::uint16_t* p) { return widen(vld1q_u16(p)); }
  static Register bytes(const std::uint8_t* p) { return widen(vmovl_u8(vld1_u8(p))); }
  static Register halves(const std::uint8_t* p) {
    const float16x8_t halves = vreinterpretq_f16_u8(vld1q_u8(p));
    return {vcvt_f32_f16(vget_low_f16(halves)), vcvt_high_f32_f16(halves)};
  }

 private:
  static Register widen(uint16x8_t values) {
    return {vcvtq_f32_u32(vmovl_u16(vget_low_u16(values))), vcvtq_f32_u32(vmovl_high_u16(values))};
  }
};

}  // namespace

constinit const Table neon_table =
    scan_loops::table<Neon>("neon", supported, scan_loops::lookup<NeonScan>, scan_loops::scan_block<NeonScan>);

}  // namespace embedless::kernel

#endif
