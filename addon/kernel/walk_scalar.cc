#include "base/float16.h"
#include "kernel/fetch_line.h"
#include "kernel/walk.h"
#include "kernel/walk_loops.h"

/// Plain C++ for any processor, and the twin that the other instruction sets are compared with.
namespace embedless::kernel {
namespace {

/// Four floats at a time, which compilers turn into whatever the baseline of the architecture offers.
struct Plain {
  struct Register {
    float lane[4];
  };
  using Words = std::int32_t;
  static constexpr std::size_t width = 4;
  static constexpr std::size_t byte_width = 8;

  static Register zero() { return {{0, 0, 0, 0}}; }
  static Register load(const float* p) { return {{p[0], p[1], p[2], p[3]}}; }
  static Register load_bytes(const std::uint8_t* p) { return walk_loops::get<Register>(p); }
  static void store(float* p, Register r) {
    for (std::size_t i = 0; i < width; ++i) p[i] = r.lane[i];
  }
  static Register add(Register a, Register b) {
    for (std::size_t i = 0; i < width; ++i) a.lane[i] += b.lane[i];
    return a;
  }
  static Register multiply_add(Register a, Register b, Register c) {
    for (std::size_t i = 0; i < width; ++i) c.lane[i] += a.lane[i] * b.lane[i];
    return c;
  }
  static float sum(Register r) { return (r.lane[0] + r.lane[2]) + (r.lane[1] + r.lane[3]); }

  static Register even(const std::uint8_t* p) {
    Register r;
    for (std::size_t i = 0; i < width; ++i) r.lane[i] = walk_loops::upper_to_float(p + 4 * i);
    return r;
  }
  static Register odd(const std::uint8_t* p) { return even(p + 2); }

  static float half(const std::uint8_t* p) { return base::from_half(walk_loops::get<std::uint16_t>(p)); }
  static Register halves(const std::uint8_t* p) { return {{half(p), half(p + 2), half(p + 4), half(p + 6)}}; }

  static Words no_words() { return 0; }
  static Words add_bytes(Words words, const std::uint8_t* bytes, const std::int16_t* query) {
    for (std::size_t i = 0; i < byte_width; ++i) words += static_cast<std::int32_t>(bytes[i]) * query[i];
    return words;
  }
  static std::int32_t sum_words(Words a, Words b) { return a + b; }

  static void fetch(const std::uint8_t* p) { fetch_line(p); }
};

}  // namespace

constinit const WalkTable scalar_walk{"scalar",
                                      walk_loops::floats<Plain>,
                                      walk_loops::uppers<Plain>,
                                      walk_loops::halves<Plain>,
                                      walk_loops::bytes<Plain>,
                                      walk_loops::arrange<Plain>,
                                      walk_loops::arrange_uppers<Plain>,
                                      walk_loops::widen<Plain>};

}  // namespace embedless::kernel
