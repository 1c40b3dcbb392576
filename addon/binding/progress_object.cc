#include "binding/progress_object.h"

#include "binding/native_class.h"

namespace embedless::binding {

namespace {

Napi::Value construct(const Napi::CallbackInfo& info) {
  if (!info.IsConstructCall()) throw WrongType("Expected new Progress(), but received a plain call.");
  bind(info.Env(), info.This().As<Napi::Object>(), std::make_unique<ProgressObject>());
  return info.This();
}

}  // namespace

void ProgressObject::define(Napi::Env env) {
  define_class<ProgressObject, construct>(env, {
                                                   getter<ProgressObject, &ProgressObject::done>("done"),
                                                   getter<ProgressObject, &ProgressObject::total>("total"),
                                               });
}

Napi::Value ProgressObject::done(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(progress->done.load(std::memory_order_relaxed)));
}

Napi::Value ProgressObject::total(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(progress->total.load(std::memory_order_relaxed)));
}

std::shared_ptr<graph::Progress> progress_option(const Napi::Value& value, const char* name) {
  if (value.IsUndefined()) return nullptr;
  return unwrap<ProgressObject>(value, name).progress;
}

}  // namespace embedless::binding
