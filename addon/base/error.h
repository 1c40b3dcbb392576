#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace embedless::base {

/// Any failure of the engine. `code` is one of the closed list of the TypeScript side and points to a string literal.
struct Error : std::runtime_error {
  Error(const char* error_code, const std::string& message) : std::runtime_error(message), code(error_code) {}

  const char* code;
};

/// Thrown out of a long loop whose stop flag was raised.
struct Stopped : Error {
  Stopped() : Error("ABORTED", "The operation was stopped.") {}
};

/// @throws Error INVALID_ARGUMENT "Expected ... for ..., but received ..." unless `holds`.
inline void expect(bool holds, const std::string& expected, const char* parameter, std::uint64_t received) {
  if (holds) return;
  throw Error("INVALID_ARGUMENT",
              "Expected " + expected + " for " + parameter + ", but received " + std::to_string(received) + ".");
}

}  // namespace embedless::base
