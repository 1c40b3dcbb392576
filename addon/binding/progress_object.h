#pragma once

#include <napi.h>

#include <memory>

#include "binding/environment.h"
#include "graph/recipe.h"

namespace embedless::binding {

/// `new Progress()` in JavaScript: tells how far the work is that was given it.
class ProgressObject {
 public:
  static constexpr ClassId id = ClassId::progress;
  static constexpr const char* name = "Progress";
  static constexpr napi_type_tag tag{0x35c9d08b7e4a1f26, 0x9b60e7d2418c5fa3};

  static void define(Napi::Env env);

  const std::shared_ptr<graph::Progress> progress = std::make_shared<graph::Progress>();

 private:
  Napi::Value done(const Napi::CallbackInfo& info);
  Napi::Value total(const Napi::CallbackInfo& info);
};

/// The progress of an option; null if it is left out.
std::shared_ptr<graph::Progress> progress_option(const Napi::Value& value, const char* name);

}  // namespace embedless::binding
