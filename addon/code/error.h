#pragma once

#include <stdexcept>
#include <string>

namespace embedless::code {

/// Any failure of the engine. `code` is one of the closed list of the TypeScript side and points to a string literal.
struct Error : std::runtime_error {
  Error(const char* error_code, const std::string& message) : std::runtime_error(message), code(error_code) {}

  const char* code;
};

/// Thrown out of a long loop whose stop flag was raised.
struct Stopped : Error {
  Stopped() : Error("ABORTED", "The operation was stopped.") {}
};

}  // namespace embedless::code
