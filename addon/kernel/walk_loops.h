#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernel/walk.h"

/// The loops of walk.h, written once over a vector type `V` that each instruction set defines in its own file, in an
/// unnamed namespace (so that no function compiled for a newer processor is merged with one an older processor runs):
///
///   typename V::Register    one register of V::width floats
///   V::zero()  V::load(p)  V::load_bytes(p), of floats at any address  V::store(p, r)
///   V::add(a, b)  V::multiply_add(a, b, c) = a * b + c  V::sum(r)
///   V::even(p)  V::odd(p)   of the 2 * V::width upper halves at p those of even and of odd place, as floats
///   V::halves(p)            V::width float16 at p, as floats
///   V::half(p)              one of them
///   typename V::Words       one register of sums of V::byte_width products in all
///   V::no_words()  V::add_bytes(words, bytes, query)  V::sum_words(a, b)
///   V::fetch(p)             asks for a cache line
namespace embedless::kernel::walk_loops {

inline constexpr std::size_t line = 64;
/// Rows asked for ahead of the one at work: enough to cover the way to main memory. Measured on rows of 384 bytes, 2
/// are a quarter slower, and 8 no faster; of long rows the processor has its fill under way with 2.
inline constexpr std::size_t ahead = 4;

template <class V>
inline void fetch_row(const std::uint8_t* row, std::size_t bytes) {
  for (std::size_t at = 0; at < bytes; at += line) V::fetch(row + at);
}

/// Calls `dot(row)` for every node, rows fetched ahead.
template <class V, class Dot>
inline void each_row(const RowPlaces& rows, const std::uint32_t* nodes, std::size_t count, std::size_t bytes,
                     float* out, Dot dot) {
  for (std::size_t i = 1; i < ahead && i < count; ++i) fetch_row<V>(rows.row(nodes[i]), bytes);
  for (std::size_t i = 0; i < count; ++i) {
    if (i + ahead < count) fetch_row<V>(rows.row(nodes[i + ahead]), bytes);
    out[i] = dot(rows.row(nodes[i]));
  }
}

template <class T>
inline T get(const std::uint8_t* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

/// A sum in four chains: `step(j, chain)` adds `span` elements from element j on.
template <class V, std::size_t span, class Step>
inline float reduce(std::size_t n, Step step, float rest) {
  typename V::Register sums[4] = {V::zero(), V::zero(), V::zero(), V::zero()};
  std::size_t j = 0;
  for (; j + 4 * span <= n; j += 4 * span) {
    step(j, sums[0]);
    step(j + span, sums[1]);
    step(j + 2 * span, sums[2]);
    step(j + 3 * span, sums[3]);
  }
  for (; j + span <= n; j += span) step(j, sums[0]);
  return V::sum(V::add(V::add(sums[0], sums[1]), V::add(sums[2], sums[3]))) + rest;
}

template <class V>
void floats(const float* query, const RowPlaces& rows, const std::uint32_t* nodes, std::size_t count, std::size_t n,
            float* out) {
  each_row<V>(rows, nodes, count, 4 * n, out, [=](const std::uint8_t* row) {
    float rest = 0;
    for (std::size_t j = n - n % V::width; j < n; ++j) rest += query[j] * get<float>(row + 4 * j);
    const auto step = [=](std::size_t j, typename V::Register& sum) {
      sum = V::multiply_add(V::load(query + j), V::load_bytes(row + 4 * j), sum);
    };
    return reduce<V, V::width>(n, step, rest);
  });
}

/// Evens of 2 * V::width numbers, then their odds, and so on; what is left over keeps its place.
template <class V>
void arrange(const float* query, std::size_t n, float* out) {
  constexpr std::size_t span = 2 * V::width;
  std::size_t j = 0;
  for (; j + span <= n; j += span) {
    for (std::size_t i = 0; i < V::width; ++i) {
      out[j + i] = query[j + 2 * i];
      out[j + V::width + i] = query[j + 2 * i + 1];
    }
  }
  for (; j < n; ++j) out[j] = query[j];
}

inline float upper_to_float(const std::uint8_t* at) {
  const std::uint32_t bits = static_cast<std::uint32_t>(get<std::uint16_t>(at)) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

template <class V>
void arrange_uppers(const std::uint8_t* row, std::size_t n, float* out) {
  constexpr std::size_t span = 2 * V::width;
  std::size_t j = 0;
  for (; j + span <= n; j += span) {
    V::store(out + j, V::even(row + 2 * j));
    V::store(out + j + V::width, V::odd(row + 2 * j));
  }
  for (; j < n; ++j) out[j] = upper_to_float(row + 2 * j);
}

template <class V>
void uppers(const float* query, const RowPlaces& rows, const std::uint32_t* nodes, std::size_t count, std::size_t n,
            float* out) {
  constexpr std::size_t span = 2 * V::width;
  each_row<V>(rows, nodes, count, 2 * n, out, [=](const std::uint8_t* row) {
    float rest = 0;
    for (std::size_t j = n - n % span; j < n; ++j) rest += query[j] * upper_to_float(row + 2 * j);
    const auto step = [=](std::size_t j, typename V::Register& sum) {
      sum = V::multiply_add(V::load(query + j), V::even(row + 2 * j), sum);
      sum = V::multiply_add(V::load(query + j + V::width), V::odd(row + 2 * j), sum);
    };
    return reduce<V, span>(n, step, rest);
  });
}

template <class V>
void halves(const float* query, const RowPlaces& rows, const std::uint32_t* nodes, std::size_t count, std::size_t n,
            float* out) {
  each_row<V>(rows, nodes, count, 2 * n, out, [=](const std::uint8_t* row) {
    float rest = 0;
    for (std::size_t j = n - n % V::width; j < n; ++j) rest += query[j] * V::half(row + 2 * j);
    const auto step = [=](std::size_t j, typename V::Register& sum) {
      sum = V::multiply_add(V::load(query + j), V::halves(row + 2 * j), sum);
    };
    return reduce<V, V::width>(n, step, rest);
  });
}

template <class V>
void widen(const std::uint8_t* halves, std::size_t n, float* out) {
  std::size_t j = 0;
  for (; j + V::width <= n; j += V::width) V::store(out + j, V::halves(halves + 2 * j));
  for (; j < n; ++j) out[j] = V::half(halves + 2 * j);
}

template <class V>
void bytes(const std::int16_t* query, const RowPlaces& rows, const std::uint32_t* nodes, std::size_t count,
           std::size_t n, float* out) {
  each_row<V>(rows, nodes, count, n, out, [=](const std::uint8_t* row) {
    auto first = V::no_words();
    auto second = V::no_words();
    std::size_t j = 0;
    for (; j + 2 * V::byte_width <= n; j += 2 * V::byte_width) {
      first = V::add_bytes(first, row + j, query + j);
      second = V::add_bytes(second, row + j + V::byte_width, query + j + V::byte_width);
    }
    for (; j + V::byte_width <= n; j += V::byte_width) first = V::add_bytes(first, row + j, query + j);
    std::int32_t sum = V::sum_words(first, second);
    for (; j < n; ++j) sum += static_cast<std::int32_t>(row[j]) * query[j];
    return static_cast<float>(sum);
  });
}

}  // namespace embedless::kernel::walk_loops
