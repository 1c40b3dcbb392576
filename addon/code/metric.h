#pragma once

#include <cstdint>

namespace embedless::code {

/// How two vectors are compared. Scores are "higher is better": cosine, dot product, or minus the squared distance.
enum class Metric : uint8_t { cosine = 0, ip = 1, l2 = 2 };

}  // namespace embedless::code
