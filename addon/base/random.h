#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace embedless::base {

/// Seeded random numbers, the same on every platform (splitmix64: Steele, Lea, Flood, 2014).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }

  /// Uniform in [0, bound); `bound` at least 1 and far below 2^32.
  std::uint64_t below(std::uint64_t bound) { return ((next() >> 32) * bound) >> 32; }

  /// Uniform in [-1, 1).
  double symmetric() { return static_cast<double>(next() >> 11) * 0x1p-52 - 1.0; }

 private:
  std::uint64_t state_;
};

/// At most `wanted` different numbers below `count` in random order: a shuffle cut short.
std::vector<std::size_t> random_sample(std::size_t count, std::size_t wanted, std::uint64_t seed);

}  // namespace embedless::base
