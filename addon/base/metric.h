#pragma once

#include <cstdint>

namespace embedless::base {

/// How two vectors are compared. Scores are "higher is better": cosine, dot product, or minus the squared distance.
enum class Metric : std::uint8_t { cosine = 0, ip = 1, l2 = 2 };

}  // namespace embedless::base
