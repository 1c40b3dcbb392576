#pragma once

#include <cstddef>
#include <cstdint>

namespace embedless::code {

/// Locally-adaptive vector quantisation (Aguerrebere and others, arXiv 2304.04759): every vector has limits of its own,
/// between which its numbers become 4 or 8 bits; `lvq4x8` adds 8 bits for what the rounding to 4 bits left.
enum class LvqLevels : std::uint8_t { lvq4 = 0, lvq8 = 1, lvq4x8 = 2 };

/// Limits of one vector: number i is low + step * code i; with two levels
/// low - step / 2 + step * (code i + fine i / 255).
struct LvqLimits {
  float low = 0;
  float step = 0;
};

/// Bytes of the codes of the first level, and of both. Four-bit codes: byte i holds number i in its low bits and number
/// (numbers + 1) / 2 + i in the others.
std::size_t lvq_first_bytes(LvqLevels levels, std::size_t numbers);
std::size_t lvq_bytes(LvqLevels levels, std::size_t numbers);

/// Writes the codes of `numbers` finite numbers, first level then second, and returns the limits. Numbers closer
/// together than a normal float can tell get step 0.
LvqLimits write_lvq(LvqLevels levels, const float* vector, std::size_t numbers, std::uint8_t* codes);

/// The numbers that codes stand for under these limits, which may be scaled ones.
void read_lvq(LvqLevels levels, LvqLimits limits, const std::uint8_t* codes, std::size_t numbers, float* vector);

}  // namespace embedless::code
