#include <napi.h>

#include <cmath>
#include <memory>
#include <string>

#include "base/error.h"
#include "binding/coder_object.h"
#include "binding/convert.h"
#include "binding/environment.h"
#include "binding/graph_object.h"
#include "binding/index_object.h"
#include "binding/native_class.h"
#include "binding/progress_object.h"
#include "binding/search_object.h"
#include "binding/stop_object.h"
#include "index/score.h"
#include "kernel/kernel.h"
#include "kernel/processor.h"

/// What `embedless.node` exports; `src/native.ts` describes it.
namespace embedless::binding {

namespace {

void check_finite(std::span<const float> values, const char* name) {
  for (const float value : values) {
    if (!std::isfinite(value)) {
      throw base::Error("INVALID_VECTOR", std::string("Expected finite numbers in ") + name + ".");
    }
  }
}

/// score(metric, a, b) -> number
Napi::Value score(const Napi::CallbackInfo& info) {
  const auto measure = metric(info[0], "metric");
  const auto first = floats(info[1], "a");
  if (first.empty()) throw base::Error("INVALID_ARGUMENT", "Expected at least one number for a.");
  const auto a = vector(info[1], "a", first.size());
  const auto b = vector(info[2], "b", first.size());
  check_finite(a, "a");
  check_finite(b, "b");
  return Napi::Number::New(info.Env(), index::score(measure, a.data(), b.data(), a.size()));
}

/// instructionSets() -> IsaInfo[]
Napi::Value instruction_sets(const Napi::CallbackInfo& info) {
  const auto tables = kernel::tables();
  auto all = Napi::Array::New(info.Env(), tables.size());
  for (std::uint32_t i = 0; i < tables.size(); ++i) {
    auto entry = Napi::Object::New(info.Env());
    entry.Set("name", tables[i]->name);
    entry.Set("supported", tables[i]->supported());
    all.Set(i, entry);
  }
  return all;
}

/// activeInstructionSet() -> string
Napi::Value active_instruction_set(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), kernel::active().name);
}

/// hasByteProducts() -> boolean
Napi::Value has_byte_products(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), kernel::processor().vnni);
}

/// forceInstructionSet(name | undefined)
Napi::Value force_instruction_set(const Napi::CallbackInfo& info) {
  const std::string name = info[0].IsUndefined() ? "" : text(info[0], "name");
  if (!kernel::force(name)) {
    throw base::Error(
        "INVALID_ARGUMENT",
        "Expected an instruction set that this machine supports for name, but received " + show(info[0]) + ".");
  }
  return info.Env().Undefined();
}

/// useErrorClass(constructor(code, message)): what failures other than argument mistakes become.
Napi::Value use_error_class(const Napi::CallbackInfo& info) {
  if (!info[0].IsFunction()) throw WrongType("Expected a class for errorClass, but received " + show(info[0]) + ".");
  Environment::of(info.Env()).error_class = Napi::Persistent(info[0].As<Napi::Function>());
  return info.Env().Undefined();
}

template <auto Function>
void export_function(Napi::Object exports, const char* name, napi_callback entry = call<Function>) {
  napi_value made;
  if (napi_create_function(exports.Env(), name, NAPI_AUTO_LENGTH, entry, nullptr, &made) != napi_ok) {
    throw Napi::Error::New(exports.Env());
  }
  exports.Set(name, Napi::Value(exports.Env(), made));
}

Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(std::make_unique<Environment>(env).release());
  StopObject::define(env);
  CoderObject::define(env);
  IndexObject::define(env);
  SearchObject::define(env);
  ProgressObject::define(env);
  GraphObject::define(env);

  exports.Set("StopFlag", Environment::of(env).classes[static_cast<std::size_t>(ClassId::stop_flag)].Value());
  exports.Set("Progress", Environment::of(env).classes[static_cast<std::size_t>(ClassId::progress)].Value());
  export_function<train_codebook>(exports, "trainCodebook", call_async<train_codebook>);
  export_function<load_codebook>(exports, "loadCodebook");
  export_function<create_vector_coder>(exports, "createVectorCoder");
  export_function<create_index>(exports, "createIndex");
  export_function<create_empty_coder>(exports, "createEmptyCoder");
  export_function<build_graph>(exports, "buildGraph", call_async<build_graph>);
  export_function<load_graph>(exports, "loadGraph", call_async<load_graph>);
  export_function<score>(exports, "score");
  export_function<instruction_sets>(exports, "instructionSets");
  export_function<active_instruction_set>(exports, "activeInstructionSet");
  export_function<has_byte_products>(exports, "hasByteProducts");
  export_function<force_instruction_set>(exports, "forceInstructionSet");
  export_function<time_scan>(exports, "timeScan", call_async<time_scan>);
  export_function<use_error_class>(exports, "useErrorClass");
  return exports;
}

}  // namespace

NODE_API_MODULE(embedless, initialise)

}  // namespace embedless::binding
