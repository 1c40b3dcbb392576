#pragma once

#include <napi.h>

#include <memory>
#include <utility>

#include "binding/environment.h"
#include "index/coder.h"

namespace embedless::binding {

/// NativeCoder in JavaScript.
class CoderObject {
 public:
  static constexpr ClassId id = ClassId::coder;
  static constexpr const char* name = "NativeCoder";
  static constexpr napi_type_tag tag{0x1b0c5e7f3a924d68, 0x95c8e1f20b7d4a36};

  static void define(Napi::Env env);

  explicit CoderObject(std::shared_ptr<const index::Coder> made) : coder(std::move(made)) {}

  const std::shared_ptr<const index::Coder> coder;

 private:
  Napi::Value kind(const Napi::CallbackInfo& info);
  Napi::Value dims(const Napi::CallbackInfo& info);
  Napi::Value metric(const Napi::CallbackInfo& info);
  Napi::Value row_bytes(const Napi::CallbackInfo& info);
  Napi::Value rho(const Napi::CallbackInfo& info);
  Napi::Value save(const Napi::CallbackInfo& info);
  Napi::Value encode(const Napi::CallbackInfo& info);
  Napi::Value decode(const Napi::CallbackInfo& info);
};

/// trainCodebook(vectors, options) -> Promise<NativeCoder>
Napi::Value train_codebook(const Napi::CallbackInfo& info);
/// loadCodebook(bytes) -> NativeCoder
Napi::Value load_codebook(const Napi::CallbackInfo& info);
/// createEmptyCoder(dims, metric) -> NativeCoder
Napi::Value create_empty_coder(const Napi::CallbackInfo& info);
/// createVectorCoder(form, dims, metric) -> NativeCoder
Napi::Value create_vector_coder(const Napi::CallbackInfo& info);

}  // namespace embedless::binding
