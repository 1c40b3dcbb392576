#pragma once

#include <cstdint>

namespace embedless::code {

/// The factors of a row, as exceptions number them.
enum class FactorName : std::uint8_t { scale = 0, add = 1, error = 2 };

/// A factor that its stored form cannot hold, kept exactly. Nothing is ever clipped: clipping alone costs a third more
/// recomputes on topics the codebook was not trained on. The layout is the one on disk (little-endian).
struct FactorException {
  std::uint16_t row;    // within the rows that it came with
  std::uint8_t factor;  // a FactorName
  std::uint8_t zero;    // reserved, 0
  float value;          // the factor itself, not in stored units
};

static_assert(sizeof(FactorException) == 8);

}  // namespace embedless::code
