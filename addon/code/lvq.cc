#include "code/lvq.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstring>

namespace embedless::code {
namespace {

/// Largest code of the first level.
unsigned largest_code(LvqLevels levels) { return levels == LvqLevels::lvq8 ? 255 : 15; }

constexpr double largest_fine = 255;

/// The nearest whole number of steps, from 0 to `largest`.
unsigned nearest(double position, double largest) {
  return static_cast<unsigned>(std::clamp(position, 0.0, largest) + 0.5);
}

void put(LvqLevels levels, std::uint8_t* codes, std::size_t numbers, std::size_t i, unsigned code) {
  if (levels == LvqLevels::lvq8) {
    codes[i] = static_cast<std::uint8_t>(code);
    return;
  }
  const std::size_t half = (numbers + 1) / 2;
  if (i < half)
    codes[i] = static_cast<std::uint8_t>(code);
  else
    codes[i - half] = static_cast<std::uint8_t>(codes[i - half] | code << 4);
}

unsigned get(LvqLevels levels, const std::uint8_t* codes, std::size_t numbers, std::size_t i) {
  if (levels == LvqLevels::lvq8) return codes[i];
  const std::size_t half = (numbers + 1) / 2;
  return i < half ? codes[i] & 15u : codes[i - half] >> 4;
}

}  // namespace

std::size_t lvq_first_bytes(LvqLevels levels, std::size_t numbers) {
  return levels == LvqLevels::lvq8 ? numbers : (numbers + 1) / 2;
}

std::size_t lvq_bytes(LvqLevels levels, std::size_t numbers) {
  return lvq_first_bytes(levels, numbers) + (levels == LvqLevels::lvq4x8 ? numbers : 0);
}

LvqLimits write_lvq(LvqLevels levels, const float* vector, std::size_t numbers, std::uint8_t* codes) {
  const auto [low, high] = std::minmax_element(vector, vector + numbers);
  const double largest = largest_code(levels);
  LvqLimits limits{.low = *low, .step = static_cast<float>((static_cast<double>(*high) - *low) / largest)};
  if (!(limits.step >= FLT_MIN)) limits.step = 0;
  const double inverse = limits.step > 0 ? 1 / static_cast<double>(limits.step) : 0;
  std::uint8_t* fine = codes + lvq_first_bytes(levels, numbers);
  for (std::size_t i = 0; i < numbers; ++i) {
    const double position = (static_cast<double>(vector[i]) - limits.low) * inverse;
    const unsigned code = nearest(position, largest);
    put(levels, codes, numbers, i, code);
    if (levels != LvqLevels::lvq4x8) continue;
    fine[i] = static_cast<std::uint8_t>(nearest((position - code + 0.5) * largest_fine, largest_fine));
  }
  return limits;
}

void read_lvq(LvqLevels levels, LvqLimits limits, const std::uint8_t* codes, std::size_t numbers, float* vector) {
  const std::uint8_t* fine = codes + lvq_first_bytes(levels, numbers);
  for (std::size_t i = 0; i < numbers; ++i) {
    double position = get(levels, codes, numbers, i);
    if (levels == LvqLevels::lvq4x8) position += fine[i] / largest_fine - 0.5;
    vector[i] = static_cast<float>(limits.low + limits.step * position);
  }
}

}  // namespace embedless::code
