#pragma once

#include <cstdint>
#include <string>

#include "code/error.h"

namespace embedless::code {

/// @throws Error INVALID_ARGUMENT "Expected ... for ..., but received ..." unless `holds`.
inline void expect(bool holds, const std::string& expected, const char* parameter, uint64_t received) {
  if (holds) return;
  throw Error("INVALID_ARGUMENT",
              "Expected " + expected + " for " + parameter + ", but received " + std::to_string(received) + ".");
}

}  // namespace embedless::code
