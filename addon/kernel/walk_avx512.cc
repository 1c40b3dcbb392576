#include "kernel/walk.h"

#if defined(__x86_64__) || defined(_M_X64)

#include "kernel/avx512_lanes.h"
#include "kernel/walk_loops.h"

namespace embedless::kernel {
namespace {

struct Avx512Walk : Avx512 {
  using Words = __m512i;
  static constexpr std::size_t byte_width = 32;

  static Register load_bytes(const std::uint8_t* p) { return _mm512_loadu_ps(p); }

  static Register even(const std::uint8_t* p) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_loadu_si512(p), 16));
  }
  static Register odd(const std::uint8_t* p) {
    const __m512i upper = _mm512_set1_epi32(static_cast<int>(0xffff0000u));
    return _mm512_castsi512_ps(_mm512_and_si512(_mm512_loadu_si512(p), upper));
  }

  static float half(const std::uint8_t* p) { return _cvtsh_ss(walk_loops::get<std::uint16_t>(p)); }

  static Words no_words() { return _mm512_setzero_si512(); }
  static Words add_bytes(Words words, const std::uint8_t* bytes, const std::int16_t* query) {
    const __m512i wide = _mm512_cvtepu8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes)));
    return _mm512_add_epi32(words, _mm512_madd_epi16(wide, _mm512_loadu_si512(query)));
  }
  static std::int32_t sum_words(Words a, Words b) { return _mm512_reduce_add_epi32(_mm512_add_epi32(a, b)); }

  static void fetch(const std::uint8_t* p) { _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T0); }
};

}  // namespace

constinit const WalkTable avx512_walk{"avx512",
                                      walk_loops::floats<Avx512Walk>,
                                      walk_loops::uppers<Avx512Walk>,
                                      walk_loops::halves<Avx512Walk>,
                                      walk_loops::bytes<Avx512Walk>,
                                      walk_loops::arrange<Avx512Walk>,
                                      walk_loops::arrange_uppers<Avx512Walk>,
                                      walk_loops::widen<Avx512Walk>};

}  // namespace embedless::kernel

#endif
