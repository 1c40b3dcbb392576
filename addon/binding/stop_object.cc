#include "binding/stop_object.h"

#include "binding/native_class.h"

namespace embedless::binding {

namespace {

Napi::Value construct(const Napi::CallbackInfo& info) {
  if (!info.IsConstructCall()) throw WrongType("Expected new StopFlag(), but received a plain call.");
  bind(info.Env(), info.This().As<Napi::Object>(), std::make_unique<StopObject>());
  return info.This();
}

}  // namespace

void StopObject::define(Napi::Env env) {
  define_class<StopObject, construct>(env, {method<StopObject, &StopObject::stop>("stop")});
}

Napi::Value StopObject::stop(const Napi::CallbackInfo& info) {
  flag->stop();
  return info.Env().Undefined();
}

std::shared_ptr<base::StopFlag> stop_option(const Napi::Value& value, const char* name) {
  if (value.IsUndefined()) return nullptr;
  return unwrap<StopObject>(value, name).flag;
}

}  // namespace embedless::binding
