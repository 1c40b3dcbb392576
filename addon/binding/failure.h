#pragma once

#include <napi.h>

#include <string>

#include "base/error.h"

/// How failures cross the border: one place turns any C++ exception into a `Failure`, another a `Failure` into a JS
/// error.
namespace embedless::binding {

/// An argument of the wrong type; becomes a TypeError.
struct WrongType : base::Error {
  explicit WrongType(const std::string& message) : base::Error("INVALID_ARGUMENT", message) {}
};

/// A failure that can leave its thread.
struct Failure {
  std::string code;
  std::string message;
  bool wrong_type = false;
};

/// The exception being handled, as a failure. To be called in a catch block, on any thread.
Failure current_failure();

/// The JS error of a failure: TypeError or RangeError with code INVALID_ARGUMENT for argument mistakes, else the error
/// class of the package with its code. Main thread only.
Napi::Value to_js_error(Napi::Env env, const Failure& failure);

/// Throws the exception being handled into JavaScript. To be called in a catch block of a native function.
void throw_to_js(napi_env env);

/// A promise rejected with the exception being handled. To be called in a catch block of a native function.
napi_value rejected_promise(napi_env env);

}  // namespace embedless::binding
