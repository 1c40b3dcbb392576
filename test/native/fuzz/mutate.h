#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "base/random.h"

/// Changes valid inputs a little, the way damage and attackers do.
namespace fuzz {

using Bytes = std::vector<std::uint8_t>;
/// What one decode is given: its blocks, in an order that the program of the decoder fixes.
using Parts = std::vector<Bytes>;

/// Longest that a mutation makes a part.
inline constexpr std::size_t most_part = std::size_t{1} << 16;

class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}

  std::size_t below(std::size_t n) { return n == 0 ? 0 : random_.below(n); }

  /// One to eight mutations of a part each; rarely parts are swapped, doubled or dropped. `others` lends bytes to
  /// splices.
  void mutate(Parts& parts, const Parts& others) {
    for (std::size_t n = 1 + below(below(4) == 0 ? 8 : 2); n > 0; --n) {
      if (below(24) == 0) shuffle(parts);
      if (!parts.empty()) change(parts[below(parts.size())], others.empty() ? Bytes{} : others[below(others.size())]);
    }
  }

 private:
  void shuffle(Parts& parts) {
    if (parts.empty()) return;
    const std::size_t i = below(parts.size());
    const std::size_t action = below(3);
    if (action == 0) std::swap(parts[i], parts[below(parts.size())]);
    if (action == 1 && parts.size() < 64) parts.push_back(Bytes(parts[i]));
    if (action == 2) parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(i));
  }

  void change(Bytes& part, const Bytes& other) {
    switch (below(part.empty() ? 1 : 8)) {
      case 0: return insert(part, other);
      case 1: part[place(part)] ^= static_cast<std::uint8_t>(1u << below(8)); return;
      case 2: part[place(part)] = static_cast<std::uint8_t>(below(256)); return;
      case 3: return splice(part, other);
      case 4:
        part.resize(below(8) == 0 ? below(part.size())
                                  : part.size() - 1 - below(std::min<std::size_t>(part.size(), 16)));
        return;
      case 5: std::fill_n(part.begin() + static_cast<std::ptrdiff_t>(place(part)), 1, below(2) == 0 ? 0 : 0xff); return;
      case 6: return copy_within(part);
      default: return number(part);
    }
  }

  /// Half of the time near the start, where sizes and counts stand.
  std::size_t place(const Bytes& part) {
    return below(2) == 0 ? below(std::min<std::size_t>(part.size(), 96)) : below(part.size());
  }

  void insert(Bytes& part, const Bytes& other) {
    const std::size_t length =
        std::min(1 + below(below(8) == 0 ? 4096 : 16), most_part - std::min(most_part, part.size()));
    Bytes fresh(length, static_cast<std::uint8_t>(below(256)));
    for (std::size_t i = 0; i < length && i < other.size() && below(64) != 0; ++i) fresh[i] = other[i];
    const std::size_t at = below(2) == 0 ? part.size() : below(part.size() + 1);
    part.insert(part.begin() + static_cast<std::ptrdiff_t>(at), fresh.begin(), fresh.end());
  }

  void splice(Bytes& part, const Bytes& other) {
    if (other.empty()) return;
    const std::size_t from = below(other.size()), to = below(part.size());
    const std::size_t length = 1 + below(std::min(other.size() - from, part.size() - to));
    std::copy_n(other.begin() + static_cast<std::ptrdiff_t>(from), length,
                part.begin() + static_cast<std::ptrdiff_t>(to));
  }

  void copy_within(Bytes& part) {
    const std::size_t from = below(part.size()), to = below(part.size());
    const std::size_t length = std::min<std::size_t>(1 + below(64), part.size() - std::max(from, to));
    std::memmove(&part[to], &part[from], length);
  }

  /// A number of 1, 2, 4 or 8 bytes becomes one at the edge of what a parser takes, or is moved a little.
  void number(Bytes& part) {
    const std::size_t width = std::min(std::size_t{1} << below(4), std::bit_floor(part.size()));
    std::size_t at = place(part);
    if (below(4) != 0) at = at / width * width;
    at = std::min(at, part.size() - width);
    std::uint64_t value = 0;
    std::memcpy(&value, &part[at], width);
    constexpr std::array<std::uint64_t, 14> edges = {0,
                                                     1,
                                                     2,
                                                     0x7f,
                                                     0x80,
                                                     0xff,
                                                     0xffff,
                                                     0x7fffffff,
                                                     0x80000000,
                                                     0xffffffff,
                                                     0x100000000,
                                                     std::uint64_t{1} << 63,
                                                     std::numeric_limits<std::uint64_t>::max(),
                                                     0x7f800000 /* infinity as float32 */};
    switch (below(4)) {
      case 0: value += 1; break;
      case 1: value -= 1; break;
      case 2: value = std::uint64_t{1} << below(64); break;
      default: value = edges[below(edges.size())];
    }
    std::memcpy(&part[at], &value, width);
  }

  embedless::base::Random random_;
};

}  // namespace fuzz
