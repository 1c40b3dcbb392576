#include "binding/failure.h"

#include <exception>
#include <new>

#include "binding/environment.h"

namespace embedless::binding {

Failure current_failure() {
  try {
    throw;
  } catch (const WrongType& error) {
    return {.code = error.code, .message = error.what(), .wrong_type = true};
  } catch (const base::Error& error) {
    return {.code = error.code, .message = error.what()};
  } catch (const std::bad_alloc&) {
    return {.code = "LIMIT", .message = "Expected enough memory for the operation, but the system has none left."};
  } catch (const std::exception& error) {
    // What is left of the standard library's exceptions tells of resources: threads, lengths.
    return {.code = "LIMIT", .message = std::string("The system refused a resource: ") + error.what() + "."};
  }
}

Napi::Value to_js_error(Napi::Env env, const Failure& failure) {
  Napi::Object error;
  const Napi::FunctionReference& error_class = Environment::of(env).error_class;
  if (failure.wrong_type) {
    error = Napi::TypeError::New(env, failure.message).Value();
  } else if (failure.code == "INVALID_ARGUMENT") {
    error = Napi::RangeError::New(env, failure.message).Value();
  } else if (!error_class.IsEmpty()) {
    return error_class.New({Napi::String::New(env, failure.code), Napi::String::New(env, failure.message)});
  } else {
    error = Napi::Error::New(env, failure.message).Value();
  }
  error.Set("code", failure.code);
  return error;
}

namespace {

/// The exception being handled as a JS value: a JS exception passes through as it is.
Napi::Value current_js_error(napi_env env) {
  try {
    throw;
  } catch (const Napi::Error& error) {
    return error.Value();
  } catch (...) {
    return to_js_error(env, current_failure());
  }
}

}  // namespace

// While an environment ends, Node-API refuses calls; then there is nobody left to tell, so failures here are dropped.

void throw_to_js(napi_env env) {
  try {
    napi_throw(env, current_js_error(env));
  } catch (const Napi::Error& error) {
    error.ThrowAsJavaScriptException();
  }
}

napi_value rejected_promise(napi_env env) {
  try {
    const auto deferred = Napi::Promise::Deferred::New(env);
    deferred.Reject(current_js_error(env));
    return deferred.Promise();
  } catch (const Napi::Error& error) {
    error.ThrowAsJavaScriptException();
    return nullptr;
  }
}

}  // namespace embedless::binding
