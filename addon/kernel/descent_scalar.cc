#include "kernel/descent.h"
#include "kernel/descent_loops.h"

/// Plain C++ for any processor, and the twin that the other instruction sets are compared with.
namespace embedless::kernel {
namespace {

/// Four floats at a time, which compilers turn into whatever the baseline of the architecture offers.
struct Plain {
  struct Register {
    float lane[4];
  };
  static constexpr std::size_t width = 4;

  static Register splat(float x) { return {{x, x, x, x}}; }
  static Register load(const float* p) { return {{p[0], p[1], p[2], p[3]}}; }
  static void store(float* p, Register r) {
    for (std::size_t i = 0; i < width; ++i) p[i] = r.lane[i];
  }
  static Register add(Register a, Register b) {
    for (std::size_t i = 0; i < width; ++i) a.lane[i] += b.lane[i];
    return a;
  }
  static Register multiply(Register a, Register b) {
    for (std::size_t i = 0; i < width; ++i) a.lane[i] *= b.lane[i];
    return a;
  }
  static Register multiply_add(Register a, Register b, Register c) {
    for (std::size_t i = 0; i < width; ++i) c.lane[i] += a.lane[i] * b.lane[i];
    return c;
  }
  static Register divide(Register a, Register b) {
    for (std::size_t i = 0; i < width; ++i) a.lane[i] /= b.lane[i];
    return a;
  }
  static Register absolute(Register a) {
    for (std::size_t i = 0; i < width; ++i) a.lane[i] = a.lane[i] < 0 ? -a.lane[i] : a.lane[i];
    return a;
  }
  static Register larger(Register a, Register b) {
    for (std::size_t i = 0; i < width; ++i) a.lane[i] = a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i];
    return a;
  }
  static std::uint32_t equal(Register a, Register b) {
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < width; ++i) bits |= (a.lane[i] == b.lane[i] ? 1u : 0u) << i;
    return bits;
  }
};

}  // namespace

constinit const DescentTable scalar_descent{"scalar", descent_loops::products<Plain>, descent_loops::nearest<Plain>,
                                            descent_loops::best_angle<Plain>};

}  // namespace embedless::kernel
