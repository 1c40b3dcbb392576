#include "kernel/walk.h"

#if defined(__x86_64__) || defined(_M_X64)

#include "kernel/avx2_lanes.h"
#include "kernel/walk_loops.h"

namespace embedless::kernel {
namespace {

struct Avx2Walk : Avx2 {
  using Words = __m256i;
  static constexpr std::size_t byte_width = 16;

  static Register load_bytes(const std::uint8_t* p) { return _mm256_loadu_ps(reinterpret_cast<const float*>(p)); }

  static __m256i load_words(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
  static Register even(const std::uint8_t* p) { return _mm256_castsi256_ps(_mm256_slli_epi32(load_words(p), 16)); }
  static Register odd(const std::uint8_t* p) {
    return _mm256_castsi256_ps(_mm256_and_si256(load_words(p), _mm256_set1_epi32(static_cast<int>(0xffff0000u))));
  }

  static float half(const std::uint8_t* p) { return _cvtsh_ss(walk_loops::get<std::uint16_t>(p)); }

  static Words no_words() { return _mm256_setzero_si256(); }
  static Words add_bytes(Words words, const std::uint8_t* bytes, const std::int16_t* query) {
    const __m256i wide = _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes)));
    return _mm256_add_epi32(words, _mm256_madd_epi16(wide, load_words(query)));
  }
  static std::int32_t sum_words(Words a, Words b) {
    const __m256i both = _mm256_add_epi32(a, b);
    const __m128i four = _mm_add_epi32(_mm256_castsi256_si128(both), _mm256_extracti128_si256(both, 1));
    const __m128i two = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 0xb1)));
  }

  static void fetch(const std::uint8_t* p) { _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T0); }
};

}  // namespace

constinit const WalkTable avx2_walk{"avx2",
                                    walk_loops::floats<Avx2Walk>,
                                    walk_loops::uppers<Avx2Walk>,
                                    walk_loops::halves<Avx2Walk>,
                                    walk_loops::bytes<Avx2Walk>,
                                    walk_loops::arrange<Avx2Walk>,
                                    walk_loops::arrange_uppers<Avx2Walk>,
                                    walk_loops::widen<Avx2Walk>};

}  // namespace embedless::kernel

#endif
