#pragma once

#include <cstddef>
#include <cstdint>

/// The loops of descent.h, written once over a vector type `V` that each instruction set defines in its own file, in an
/// unnamed namespace (so that no function compiled for a newer processor is merged with one an older processor runs):
///
///   typename V::Register    one register of V::width floats; V::width divides 32
///   V::splat(x)  V::load(p)  V::store(p, r)  V::add(a, b)  V::multiply_add(a, b, c) = a * b + c
///   V::divide(a, b)  V::multiply(a, b)  V::absolute(a)  V::larger(a, b)  V::equal(a, b): bit i set where lanes i agree
namespace embedless::kernel::descent_loops {

inline constexpr std::size_t centroids = 256;
/// Registers that hold running sums: enough independent chains to hide the latency of a multiply-add.
inline constexpr std::size_t chains = 8;

template <class V>
void products(const float* x, const float* table, std::size_t width, float* out) {
  for (std::size_t c = 0; c < centroids; c += chains * V::width) {
    typename V::Register sums[chains];
    for (auto& sum : sums) sum = V::splat(0.0f);
    for (std::size_t i = 0; i < width; ++i) {
      const auto factor = V::splat(x[i]);
      const float* row = table + i * centroids + c;
      for (std::size_t j = 0; j < chains; ++j) sums[j] = V::multiply_add(factor, V::load(row + j * V::width), sums[j]);
    }
    for (std::size_t j = 0; j < chains; ++j) V::store(out + c + j * V::width, sums[j]);
  }
}

/// The lowest index of the largest of 256 values that `value(c)` gives, V::width at a time from c on.
template <class V, class Value>
inline std::uint8_t first_largest(Value value) {
  float values[centroids];
  auto largest = value(0);
  V::store(values, largest);
  for (std::size_t c = V::width; c < centroids; c += V::width) {
    const auto next = value(c);
    V::store(values + c, next);
    largest = V::larger(largest, next);
  }
  float lanes[V::width];
  V::store(lanes, largest);
  float top = lanes[0];
  for (std::size_t i = 1; i < V::width; ++i) top = lanes[i] > top ? lanes[i] : top;
  const auto wanted = V::splat(top);
  for (std::size_t c = 0; c < centroids; c += V::width) {
    std::uint32_t hits = V::equal(V::load(values + c), wanted);
    if (hits == 0) continue;
    while ((hits & 1u) == 0) {
      hits >>= 1;
      ++c;
    }
    return static_cast<std::uint8_t>(c);
  }
  return 0;
}

template <class V>
std::uint8_t nearest(const float* products, const float* squared_norms) {
  const auto half = V::splat(-0.5f);
  return first_largest<V>(
      [=](std::size_t c) { return V::multiply_add(half, V::load(squared_norms + c), V::load(products + c)); });
}

template <class V>
std::uint8_t best_angle(float xy, float yy, const float* products, const float* squared_norms) {
  const auto dot = V::splat(xy);
  // The smallest normal number keeps a code of nothing but zero centroids from dividing by zero.
  const auto norm = V::splat(yy + 1.17549435e-38f);
  return first_largest<V>([=](std::size_t c) {
    const auto t = V::add(dot, V::load(products + c));
    // Divided before it is squared, so that large norms do not overflow.
    return V::multiply(t, V::divide(V::absolute(t), V::add(norm, V::load(squared_norms + c))));
  });
}

}  // namespace embedless::kernel::descent_loops
