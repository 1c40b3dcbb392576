#pragma once

#include <napi.h>

#include <array>
#include <cstddef>
#include <memory>

#include "binding/worker_threads.h"

namespace embedless::binding {

/// The kinds of native objects that JavaScript can hold.
enum class ClassId : std::size_t { stop_flag, progress, coder, index, search, graph };
inline constexpr std::size_t class_count = 6;

/// What the addon keeps for one JavaScript environment (the main thread, or one worker). Made when the addon is loaded
/// there, gone with it.
struct Environment {
  explicit Environment(napi_env env) : threads(env) {}

  static Environment& of(napi_env env);

  WorkerThreads threads;
  /// Class of errors that are no argument mistakes, called with (code, message); empty: Error.
  Napi::FunctionReference error_class;
  std::array<Napi::FunctionReference, class_count> classes;
  /// Set while native code itself makes an object of a class that JavaScript must not.
  bool constructing = false;
};

}  // namespace embedless::binding
