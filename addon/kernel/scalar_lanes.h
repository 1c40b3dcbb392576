#pragma once

#include <cstddef>
#include <cstring>

/// Floats in plain C++. Everything has internal linkage: each file compiles its own copy.
namespace embedless::kernel {
namespace {

/// Four floats at a time, in whatever the baseline of the architecture offers.
#if defined(__GNUC__)
using Four = float __attribute__((vector_size(16)));
#else
struct Four {
  float lane[4];
  float operator[](std::size_t i) const { return lane[i]; }
  float& operator[](std::size_t i) { return lane[i]; }
};
Four operator+(Four a, Four b) { return {{a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]}}; }
Four operator-(Four a, Four b) { return {{a[0] - b[0], a[1] - b[1], a[2] - b[2], a[3] - b[3]}}; }
Four operator*(Four a, Four b) { return {{a[0] * b[0], a[1] * b[1], a[2] * b[2], a[3] * b[3]}}; }
#endif

struct Plain {
  using Register = Four;
  static constexpr std::size_t width = 4;
  static constexpr std::size_t rows = 2;
  static constexpr std::size_t columns = 4;

  static Register zero() { return Register{}; }
  static Register splat(float x) {
    const float lanes[width] = {x, x, x, x};
    return load(lanes);
  }
  static Register load(const float* p) {
    Register r;
    std::memcpy(&r, p, sizeof r);
    return r;
  }
  static Register load_part(const float* p, std::size_t count) {
    Register r{};
    std::memcpy(&r, p, count * sizeof(float));
    return r;
  }
  static void store(float* p, Register r) { std::memcpy(p, &r, sizeof r); }
  static Register add(Register a, Register b) { return a + b; }
  static Register subtract(Register a, Register b) { return a - b; }
  static Register multiply_add(Register a, Register b, Register c) { return a * b + c; }
  static float sum(Register r) { return (r[0] + r[1]) + (r[2] + r[3]); }
};

}  // namespace
}  // namespace embedless::kernel
