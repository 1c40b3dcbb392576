#pragma once

#include <napi.h>

#include <utility>

#include "binding/environment.h"
#include "index/search_session.h"

namespace embedless::binding {

/// NativeSearch in JavaScript. Its calls are short and run on the calling thread.
class SearchObject {
 public:
  static constexpr ClassId id = ClassId::search;
  static constexpr const char* name = "NativeSearch";
  static constexpr napi_type_tag tag{0xa9e4173c5d2b8f60, 0x7c05b3f18e6a4d29};

  static void define(Napi::Env env);

  explicit SearchObject(index::SearchSession session) : session_(std::move(session)) {}

 private:
  Napi::Value done(const Napi::CallbackInfo& info);
  Napi::Value scanned(const Napi::CallbackInfo& info);
  Napi::Value wants(const Napi::CallbackInfo& info);
  Napi::Value feed(const Napi::CallbackInfo& info);
  Napi::Value raise(const Napi::CallbackInfo& info);
  Napi::Value result(const Napi::CallbackInfo& info);

  index::SearchSession session_;
};

}  // namespace embedless::binding
