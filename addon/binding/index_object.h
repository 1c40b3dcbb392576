#pragma once

#include <napi.h>

#include <cstddef>
#include <memory>

#include "binding/environment.h"
#include "index/code_store.h"

namespace embedless::binding {

/// NativeIndex in JavaScript.
class IndexObject {
 public:
  static constexpr ClassId id = ClassId::index;
  static constexpr const char* name = "NativeIndex";
  static constexpr napi_type_tag tag{0x4f83d2a6c1e05b97, 0x2e7a9d4c8b1f6053};

  static void define(Napi::Env env);

  IndexObject(Napi::Env env, std::shared_ptr<const index::Coder> coder, index::RowOrder order);
  ~IndexObject();
  IndexObject(const IndexObject&) = delete;
  IndexObject& operator=(const IndexObject&) = delete;

  /// Shared with searches that still run when the object is collected.
  const std::shared_ptr<index::CodeStore> store;

 private:
  Napi::Value count(const Napi::CallbackInfo& info);
  Napi::Value live(const Napi::CallbackInfo& info);
  Napi::Value memory_bytes(const Napi::CallbackInfo& info);
  Napi::Value publish(const Napi::CallbackInfo& info);
  Napi::Value search(const Napi::CallbackInfo& info);
  Napi::Value nearest(const Napi::CallbackInfo& info);
  Napi::Value vectors(const Napi::CallbackInfo& info);
  Napi::Value live_bits(const Napi::CallbackInfo& info);
  void report_memory(std::size_t bytes);

  Napi::Env env_;
  std::size_t reported_ = 0;  // bytes that the garbage collector was told of
};

/// createIndex(coder, options?) -> NativeIndex
Napi::Value create_index(const Napi::CallbackInfo& info);
/// timeScan(index, query, options) -> Promise<ScanTiming>
Napi::Value time_scan(const Napi::CallbackInfo& info);

}  // namespace embedless::binding
