#pragma once

#include <cstddef>

/// The loops on floats, written once over a vector type `V` that each instruction set defines in its own file:
///
///   typename V::Register         one vector register of V::width floats
///   V::zero()  V::splat(x)  V::load(p)  V::load_part(p, count < width; zeros behind)  V::store(p, r)
///   V::add(a, b)  V::subtract(a, b)  V::multiply_add(a, b, c) = a * b + c  V::sum(r)
///   V::rows, V::columns          shape of the block of C that `multiply` keeps in registers
///
/// Each `V` lives in an unnamed namespace, so instantiations stay in their file: no function compiled for a newer
/// processor can be merged with one that an older processor runs.
namespace embedless::kernel::loops {

/// Reduces n elements in four independent chains (a chain would wait for the latency of its own additions).
template <class V, class Step>
inline float reduce(std::size_t n, Step step) {
  typename V::Register sums[4] = {V::zero(), V::zero(), V::zero(), V::zero()};
  std::size_t i = 0;
  for (; i + 4 * V::width <= n; i += 4 * V::width) {
    for (std::size_t chain = 0; chain < 4; ++chain) sums[chain] = step(i + chain * V::width, V::width, sums[chain]);
  }
  for (; i + V::width <= n; i += V::width) sums[0] = step(i, V::width, sums[0]);
  if (i < n) sums[1] = step(i, n - i, sums[1]);
  return V::sum(V::add(V::add(sums[0], sums[1]), V::add(sums[2], sums[3])));
}

template <class V>
inline typename V::Register load_upto(const float* p, std::size_t count) {
  return count == V::width ? V::load(p) : V::load_part(p, count);
}

template <class V>
float dot(const float* x, const float* y, std::size_t n) {
  return reduce<V>(n, [=](std::size_t i, std::size_t count, typename V::Register sum) {
    return V::multiply_add(load_upto<V>(x + i, count), load_upto<V>(y + i, count), sum);
  });
}

template <class V>
float squared_l2(const float* x, const float* y, std::size_t n) {
  return reduce<V>(n, [=](std::size_t i, std::size_t count, typename V::Register sum) {
    const auto difference = V::subtract(load_upto<V>(x + i, count), load_upto<V>(y + i, count));
    return V::multiply_add(difference, difference, sum);
  });
}

template <class V>
float squared_norm(const float* x, std::size_t n) {
  return reduce<V>(n, [=](std::size_t i, std::size_t count, typename V::Register sum) {
    const auto value = load_upto<V>(x + i, count);
    return V::multiply_add(value, value, sum);
  });
}

template <class V>
void axpy(float a, const float* x, float* y, std::size_t n) {
  const auto factor = V::splat(a);
  std::size_t i = 0;
  for (; i + V::width <= n; i += V::width) V::store(y + i, V::multiply_add(factor, V::load(x + i), V::load(y + i)));
  if (i == n) return;
  float tail[V::width];
  V::store(tail, V::multiply_add(factor, V::load_part(x + i, n - i), V::load_part(y + i, n - i)));
  for (std::size_t j = 0; i + j < n; ++j) y[i + j] = tail[j];
}

/// Elements of a row that one pass of `multiply` takes: V::rows rows of A then stay in the L1 cache.
inline constexpr std::size_t depth = 512;
/// Rows of Bt that one pass takes: 64 * 512 floats are 128 KB, which stay in the L2 cache for all rows of A.
inline constexpr std::size_t band = 64;

/// C[0..R) x [0..N) (+)= the products of R rows of A and N rows of Bt over `count` <= depth elements.
/// Each element has one accumulator whose order depends on `count` alone, whatever R and N are.
template <class V, std::size_t R, std::size_t N>
inline void multiply_tile(const float* a, const float* bt, float* c, std::size_t n, std::size_t k, std::size_t count,
                          bool first) {
  typename V::Register sums[R][N];
  for (auto& row : sums) {
    for (auto& sum : row) sum = V::zero();
  }
  const auto step = [&](auto load, std::size_t p) {
    typename V::Register columns[N];
    for (std::size_t j = 0; j < N; ++j) columns[j] = load(bt + j * k + p);
    for (std::size_t i = 0; i < R; ++i) {
      const auto row = load(a + i * k + p);
      for (std::size_t j = 0; j < N; ++j) sums[i][j] = V::multiply_add(row, columns[j], sums[i][j]);
    }
  };
  std::size_t p = 0;
  for (; p + V::width <= count; p += V::width) step([](const float* from) { return V::load(from); }, p);
  if (p < count) step([rest = count - p](const float* from) { return V::load_part(from, rest); }, p);
  for (std::size_t i = 0; i < R; ++i) {
    for (std::size_t j = 0; j < N; ++j) {
      const float sum = V::sum(sums[i][j]);
      c[i * n + j] = first ? sum : c[i * n + j] + sum;
    }
  }
}

/// R rows of A against `columns` rows of Bt.
template <class V, std::size_t R>
inline void multiply_rows(const float* a, const float* bt, float* c, std::size_t columns, std::size_t n, std::size_t k,
                          std::size_t count, bool first) {
  std::size_t j = 0;
  for (; j + V::columns <= columns; j += V::columns) {
    multiply_tile<V, R, V::columns>(a, bt + j * k, c + j, n, k, count, first);
  }
  for (; j < columns; ++j) multiply_tile<V, R, 1>(a, bt + j * k, c + j, n, k, count, first);
}

template <class V>
inline void multiply_band(const float* a, const float* bt, float* c, std::size_t m, std::size_t columns, std::size_t n,
                          std::size_t k, std::size_t count, bool first) {
  std::size_t i = 0;
  for (; i + V::rows <= m; i += V::rows) {
    multiply_rows<V, V::rows>(a + i * k, bt, c + i * n, columns, n, k, count, first);
  }
  for (; i < m; ++i) multiply_rows<V, 1>(a + i * k, bt, c + i * n, columns, n, k, count, first);
}

template <class V>
void multiply(const float* a, const float* bt, float* c, std::size_t m, std::size_t n, std::size_t k) {
  if (k == 0) {
    for (std::size_t i = 0; i < m * n; ++i) c[i] = 0;
    return;
  }
  for (std::size_t p = 0; p < k; p += depth) {
    const std::size_t count = k - p < depth ? k - p : depth;
    for (std::size_t j = 0; j < n; j += band) {
      const std::size_t columns = n - j < band ? n - j : band;
      multiply_band<V>(a + p, bt + j * k + p, c + j, m, columns, n, k, count, p == 0);
    }
  }
}

}  // namespace embedless::kernel::loops
