#pragma once

#include <napi.h>

#include <cstddef>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "binding/environment.h"
#include "binding/failure.h"

/// Classes whose objects JavaScript holds and native code owns.
///
/// A native class T is any C++ class with
///   static constexpr ClassId id;  static constexpr const char* name;  static constexpr napi_type_tag tag;
/// Every object carries its tag, and every entry checks it: a method or getter borrowed for another object, or the
/// wrong object as an argument, throws a TypeError and never reaches foreign memory.
namespace embedless::binding {

/// The native object behind a JavaScript one. Throws WrongType for anything else than an object of class T.
template <class T>
T& unwrap(const Napi::Value& value, const char* parameter) {
  bool tagged = false;
  void* native = nullptr;
  if (value.IsObject() && napi_check_object_type_tag(value.Env(), value, &T::tag, &tagged) == napi_ok && tagged &&
      napi_unwrap(value.Env(), value, &native) == napi_ok) {
    return *static_cast<T*>(native);
  }
  throw WrongType(std::string("Expected a ") + T::name + " for " + parameter + ", but received something else.");
}

/// Puts a native object behind a JavaScript one, which must be fresh from the constructor of class T.
template <class T>
void bind(Napi::Env env, Napi::Object object, std::unique_ptr<T> native) {
  const auto release = [](napi_env, void* data, void*) { delete static_cast<T*>(data); };
  if (napi_wrap(env, object, native.get(), release, nullptr, nullptr) != napi_ok) throw Napi::Error::New(env);
  static_cast<void>(native.release());  // the wrapped object owns it now
  if (napi_type_tag_object(env, object, &T::tag) != napi_ok) throw Napi::Error::New(env);
}

/// A new JavaScript object of class T.
template <class T>
Napi::Object wrap(Napi::Env env, std::unique_ptr<T> native) {
  Environment& environment = Environment::of(env);
  environment.constructing = true;
  napi_value object = nullptr;
  const napi_status status =
      napi_new_instance(env, environment.classes[static_cast<std::size_t>(T::id)].Value(), 0, nullptr, &object);
  environment.constructing = false;
  if (status != napi_ok) throw Napi::Error::New(env);
  bind(env, Napi::Object(env, object), std::move(native));
  return Napi::Object(env, object);
}

/// A native function: failures of any kind become JavaScript exceptions here.
template <auto Function>
napi_value call(napi_env env, napi_callback_info raw) {
  try {
    return Function(Napi::CallbackInfo(env, raw));
  } catch (...) {
    throw_to_js(env);
    return nullptr;
  }
}

/// A native function that returns a promise: failures reject it.
template <auto Function>
napi_value call_async(napi_env env, napi_callback_info raw) {
  try {
    return Function(Napi::CallbackInfo(env, raw));
  } catch (...) {
    return rejected_promise(env);
  }
}

template <class T, Napi::Value (T::*Method)(const Napi::CallbackInfo&)>
Napi::Value on_this(const Napi::CallbackInfo& info) {
  return (unwrap<T>(info.This(), "this").*Method)(info);
}

template <class T, Napi::Value (T::*Method)(const Napi::CallbackInfo&)>
napi_property_descriptor method(const char* name) {
  return {name, nullptr, call<on_this<T, Method>>, nullptr, nullptr, nullptr, napi_default_method, nullptr};
}

template <class T, Napi::Value (T::*Method)(const Napi::CallbackInfo&)>
napi_property_descriptor async_method(const char* name) {
  return {name, nullptr, call_async<on_this<T, Method>>, nullptr, nullptr, nullptr, napi_default_method, nullptr};
}

template <class T, Napi::Value (T::*Method)(const Napi::CallbackInfo&)>
napi_property_descriptor getter(const char* name) {
  return {name, nullptr, nullptr, call<on_this<T, Method>>, nullptr, nullptr, napi_enumerable, nullptr};
}

/// Refuses `new` from JavaScript for classes that only native code makes.
template <class T>
Napi::Value refuse_construction(const Napi::CallbackInfo& info) {
  if (!Environment::of(info.Env()).constructing) {
    throw WrongType(std::string("Expected no call of the constructor ") + T::name +
                    ": only the addon makes such objects.");
  }
  return info.This();
}

/// Defines class T in this environment. `Constructor` runs for `new`.
template <class T, auto Constructor = refuse_construction<T>>
void define_class(Napi::Env env, const std::vector<napi_property_descriptor>& members) {
  napi_value made;
  if (napi_define_class(env, T::name, NAPI_AUTO_LENGTH, call<Constructor>, nullptr, members.size(), members.data(),
                        &made) != napi_ok) {
    throw Napi::Error::New(env);
  }
  Environment::of(env).classes[static_cast<std::size_t>(T::id)] = Napi::Persistent(Napi::Function(env, made));
}

}  // namespace embedless::binding
