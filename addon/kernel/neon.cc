#include "kernel/instruction_sets.h"

#if EMBEDLESS_NEON

#include "kernel/float_loops.h"
#include "kernel/neon_lanes.h"

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

void lookup(const ScanQuery& query, const std::uint8_t* codes, std::uint16_t* sums) {
  uint16x8_t total[8];
  for (auto& sum : total) sum = vdupq_n_u16(0);
  const std::uint8_t* table = query.tables;
  for (std::size_t j = 0; j < query.subspaces; ++j, table += 256, codes += block_nodes) {
    const Lookup look_up(table);
    for (int i = 0; i < 4; ++i) {
      const uint8x16_t found = look_up(vld1q_u8(codes + 16 * i));
      total[2 * i] = vaddw_u8(total[2 * i], vget_low_u8(found));
      total[2 * i + 1] = vaddw_high_u8(total[2 * i + 1], found);
    }
  }
  for (int i = 0; i < 8; ++i) vst1q_u16(sums + 8 * i, total[i]);
}

inline float32x4_t linear(float low, float step, float32x4_t value) {
  return vaddq_f32(vdupq_n_f32(low), vmulq_f32(vdupq_n_f32(step), value));
}

/// Eight floats.
struct Eight {
  float32x4_t low, high;
};

inline Eight widen(uint16x8_t values) {
  return {vcvtq_f32_u32(vmovl_u16(vget_low_u16(values))), vcvtq_f32_u32(vmovl_high_u16(values))};
}

/// Eight factors from node i on.
template <FactorForm form>
inline Eight factors(const std::uint8_t* from, std::size_t i, float low, float step) {
  if constexpr (form == FactorForm::byte) {
    const Eight bytes = widen(vmovl_u8(vld1_u8(from + i)));
    return {linear(low, step, bytes.low), linear(low, step, bytes.high)};
  } else {
    const float16x8_t halves = vreinterpretq_f16_u8(vld1q_u8(from + 2 * i));
    return {vcvt_f32_f16(vget_low_f16(halves)), vcvt_high_f32_f16(halves)};
  }
}

inline float32x4_t estimate(const ScanQuery& query, float32x4_t sum, float32x4_t scale, float32x4_t add) {
  const float32x4_t factor = vmulq_f32(vdupq_n_f32(query.sum_factor), scale);
  return vaddq_f32(linear(query.base, query.add_sign, add),
                   vmulq_f32(factor, linear(query.sum_offset, query.sum_step, sum)));
}

inline std::uint64_t reached(float32x4_t estimates, float threshold) {
  const uint32x4_t bits = {1, 2, 4, 8};
  return vaddvq_u32(vandq_u32(vcgeq_f32(estimates, vdupq_n_f32(threshold)), bits));
}

/// By value: the compiler could not rule out that a written estimate changes a query it only sees by reference.
template <FactorForm form>
std::uint64_t finish(ScanQuery query, const BlockView& block, const std::uint16_t* sums, float threshold,
                     float* estimates) {
  std::uint64_t mask = 0;
  for (std::size_t i = 0; i < block_nodes; i += 8) {
    const Eight sum = widen(vld1q_u16(sums + i));
    const Eight scale = factors<form>(block.scale, i, query.scale_low, query.scale_step);
    const Eight add = factors<form>(block.add, i, query.add_low, query.add_step);
    const float32x4_t low = estimate(query, sum.low, scale.low, add.low);
    const float32x4_t high = estimate(query, sum.high, scale.high, add.high);
    vst1q_f32(estimates + i, low);
    vst1q_f32(estimates + i + 4, high);
    mask |= (reached(low, threshold) | reached(high, threshold) << 4) << i;
  }
  return mask;
}

std::uint64_t scan_block(const ScanQuery& query, const BlockView& block, float threshold, float* estimates) {
  std::uint16_t sums[block_nodes];
  lookup(query, block.codes, sums);
  return query.form == FactorForm::byte ? finish<FactorForm::byte>(query, block, sums, threshold, estimates)
                                        : finish<FactorForm::half>(query, block, sums, threshold, estimates);
}

}  // namespace

const Table neon_table{
    "neon",
    supported,
    loops::dot<Neon>,
    loops::squared_l2<Neon>,
    loops::squared_norm<Neon>,
    loops::axpy<Neon>,
    loops::multiply<Neon>,
    lookup,
    scan_block,
};

}  // namespace embedless::kernel

#endif
