#pragma once

#include <napi.h>

#include <memory>

#include "base/stop.h"
#include "binding/environment.h"

namespace embedless::binding {

/// `new StopFlag()` in JavaScript: tells work that was given it to give up.
class StopObject {
 public:
  static constexpr ClassId id = ClassId::stop_flag;
  static constexpr const char* name = "StopFlag";
  static constexpr napi_type_tag tag{0x6d1f0a2b9c3e4f51, 0x8a7b6c5d4e3f2a10};

  static void define(Napi::Env env);

  std::shared_ptr<base::StopFlag> flag = std::make_shared<base::StopFlag>();

 private:
  Napi::Value stop(const Napi::CallbackInfo& info);
};

/// The flag of an option; null if it is left out.
std::shared_ptr<base::StopFlag> stop_option(const Napi::Value& value, const char* name);

}  // namespace embedless::binding
