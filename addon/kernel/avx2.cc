#include "kernel/instruction_sets.h"

#if EMBEDLESS_X86

#include "kernel/avx2_lanes.h"
#include "kernel/processor.h"
#include "kernel/scan_loops.h"

namespace embedless::kernel {
namespace {

bool supported() { return processor().avx2; }

/// Sixteen entries of a table in both halves of a register: what one `pshufb` can look up in.
inline __m256i slice(const std::uint8_t* table, int which) {
  return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(table + 16 * which)));
}

/// One subspace of 32 nodes. A table of 256 bytes is eight parts of two slices. `pshufb` yields 0 where the top bit
/// of an index is set; adding 0x70 sets it exactly where the five low bits of a code lie in the other slice, so a
/// part is the `or` of two lookups. The three high bits of the code then choose the part.
inline __m256i look_up(const std::uint8_t* table, __m256i codes) {
  const __m256i other = _mm256_set1_epi8(0x70);
  const __m256i low = _mm256_and_si256(codes, _mm256_set1_epi8(0x1f));
  const __m256i first = _mm256_add_epi8(low, other);
  const __m256i second = _mm256_add_epi8(_mm256_xor_si256(low, _mm256_set1_epi8(16)), other);
  const auto part = [&](int p) {
    return _mm256_or_si256(_mm256_shuffle_epi8(slice(table, 2 * p), first),
                           _mm256_shuffle_epi8(slice(table, 2 * p + 1), second));
  };
  const __m256i bit6 = _mm256_add_epi8(codes, codes);
  const __m256i bit5 = _mm256_add_epi8(bit6, bit6);
  const auto two = [&](int p) { return _mm256_blendv_epi8(part(p), part(p + 1), bit5); };
  const auto four = [&](int p) { return _mm256_blendv_epi8(two(p), two(p + 2), bit6); };
  return _mm256_blendv_epi8(four(0), four(4), codes);
}

/// The u16 sums of 32 bytes: `both` sums pairs of bytes as words modulo 65,536, `odd` the upper bytes alone, so
/// that the lower ones are `both - 256 odd`.
struct HalfBlockSums {
  __m256i both = _mm256_setzero_si256();
  __m256i odd = _mm256_setzero_si256();

  inline void add(const std::uint8_t* table, const std::uint8_t* codes) {
    const __m256i bytes = look_up(table, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes)));
    both = _mm256_add_epi16(both, bytes);
    odd = _mm256_add_epi16(odd, _mm256_srli_epi16(bytes, 8));
  }

  inline void store(std::uint16_t* sums) const {
    const __m256i even = _mm256_sub_epi16(both, _mm256_slli_epi16(odd, 8));
    const __m256i low = _mm256_unpacklo_epi16(even, odd);
    const __m256i high = _mm256_unpackhi_epi16(even, odd);
    auto* to = reinterpret_cast<__m256i*>(sums);
    _mm256_storeu_si256(to, _mm256_permute2x128_si256(low, high, 0x20));
    _mm256_storeu_si256(to + 1, _mm256_permute2x128_si256(low, high, 0x31));
  }
};

/// Half a block at a time: with both halves at once the registers do not suffice, which costs a fifth.
struct Avx2Scan : Avx2 {
  using Sums = HalfBlockSums;
  static constexpr std::size_t looked_up = 32;
};

}  // namespace

void avx2_lookup(const ScanQuery& query, const std::uint8_t* codes, std::uint16_t* sums) {
  scan_loops::lookup<Avx2Scan>(query, codes, sums);
}

std::uint64_t avx2_scan_block(const ScanQuery& query, const BlockView& block, float threshold, float* estimates) {
  return scan_loops::scan_block<Avx2Scan>(query, block, threshold, estimates);
}

constinit const Table avx2_table = scan_loops::table<Avx2>("avx2", supported, avx2_lookup, avx2_scan_block);

}  // namespace embedless::kernel

#endif
