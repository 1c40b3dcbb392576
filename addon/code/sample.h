#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace embedless::code {

/// At most `wanted` different numbers below `count` in random order: a shuffle cut short.
std::vector<size_t> random_sample(size_t count, size_t wanted, uint64_t seed);

}  // namespace embedless::code
