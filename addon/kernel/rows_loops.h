#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernel/float_loops.h"
#include "kernel/rows.h"

/// The loops of rows.h, written once over a vector type `V` as float_loops.h describes it, with in addition
///
///   V::bytes(p)  V::signed_bytes(p)  V::halves(p)   V::width numbers as floats
///   V::nibbles(p)                                   {low, high}: V::width bytes as two registers of four-bit numbers
///
/// Each `V` lives in an unnamed namespace, so instantiations stay in their file.
namespace embedless::kernel::row_loops {

template <class V>
struct Bytes {
  static constexpr std::size_t size = 1;
  static typename V::Register load(const std::uint8_t* p) { return V::bytes(p); }
};

template <class V>
struct SignedBytes {
  static constexpr std::size_t size = 1;
  static typename V::Register load(const std::uint8_t* p) { return V::signed_bytes(p); }
};

template <class V>
struct Halves {
  static constexpr std::size_t size = 2;
  static typename V::Register load(const std::uint8_t* p) { return V::halves(p); }
};

/// The first `count` <= V::width numbers from `i` on, zeros behind; reads nothing else.
template <class V, class Number>
inline typename V::Register load_numbers(const std::uint8_t* codes, std::size_t i, std::size_t count) {
  if (count == V::width) return Number::load(codes + i * Number::size);
  std::uint8_t rest[V::width * Number::size] = {};
  std::memcpy(rest, codes + i * Number::size, count * Number::size);
  return Number::load(rest);
}

template <class V, class Number>
float dot(const float* q, const std::uint8_t* codes, std::size_t n) {
  return loops::reduce<V>(n, [=](std::size_t i, std::size_t count, typename V::Register sum) {
    return V::multiply_add(load_numbers<V, Number>(codes, i, count), loops::load_upto<V>(q + i, count), sum);
  });
}

/// Running sums of one of the chains that keep additions from waiting for each other.
template <class V>
struct Chain {
  typename V::Register dot = V::zero();
  typename V::Register sum = V::zero();
  typename V::Register squares = V::zero();

  inline void add(typename V::Register query, typename V::Register numbers) {
    dot = V::multiply_add(numbers, query, dot);
    sum = V::add(sum, numbers);
    squares = V::multiply_add(numbers, numbers, squares);
  }
};

template <class V, class Number>
RowSums sums(const float* q, const std::uint8_t* codes, std::size_t n) {
  Chain<V> first;
  Chain<V> second;
  std::size_t i = 0;
  for (; i + 2 * V::width <= n; i += 2 * V::width) {
    first.add(V::load(q + i), Number::load(codes + i * Number::size));
    second.add(V::load(q + i + V::width), Number::load(codes + (i + V::width) * Number::size));
  }
  for (; i < n; i += V::width) {
    const std::size_t count = n - i < V::width ? n - i : V::width;
    first.add(loops::load_upto<V>(q + i, count), load_numbers<V, Number>(codes, i, count));
  }
  return {.dot = V::sum(V::add(first.dot, second.dot)),
          .sum = V::sum(V::add(first.sum, second.sum)),
          .squares = V::sum(V::add(first.squares, second.squares))};
}

template <class V>
float dot_nibbles(const float* q, const std::uint8_t* codes, std::size_t n) {
  const std::size_t bytes = (n + 1) / 2;
  const std::size_t pairs = n / 2;  // bytes whose high bits are in use
  const float* upper = q + bytes;
  typename V::Register low[2] = {V::zero(), V::zero()};
  typename V::Register high[2] = {V::zero(), V::zero()};
  std::size_t i = 0;
  const auto add = [&](std::size_t chain, std::size_t at) {
    const auto both = V::nibbles(codes + at);
    low[chain] = V::multiply_add(both.low, V::load(q + at), low[chain]);
    high[chain] = V::multiply_add(both.high, V::load(upper + at), high[chain]);
  };
  for (; i + 2 * V::width <= pairs; i += 2 * V::width) {
    add(0, i);
    add(1, i + V::width);
  }
  for (; i + V::width <= pairs; i += V::width) add(0, i);
  if (i < bytes) {
    std::uint8_t rest[V::width] = {};
    std::memcpy(rest, codes + i, bytes - i);
    const auto both = V::nibbles(rest);
    low[1] = V::multiply_add(both.low, loops::load_upto<V>(q + i, bytes - i), low[1]);
    high[1] = V::multiply_add(both.high, loops::load_upto<V>(upper + i, pairs - i), high[1]);
  }
  return V::sum(V::add(V::add(low[0], low[1]), V::add(high[0], high[1])));
}

/// The table of one instruction set.
template <class V>
constexpr RowTable table(const char* name) {
  return {name, dot<V, Bytes<V>>, dot_nibbles<V>, sums<V, Bytes<V>>, sums<V, SignedBytes<V>>, sums<V, Halves<V>>};
}

}  // namespace embedless::kernel::row_loops
