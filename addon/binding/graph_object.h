#pragma once

#include <napi.h>

#include <cstddef>
#include <memory>

#include "binding/environment.h"
#include "index/search_graph.h"

namespace embedless::binding {

/// NativeGraph in JavaScript. Immutable: what changes a graph makes another one.
class GraphObject {
 public:
  static constexpr ClassId id = ClassId::graph;
  static constexpr const char* name = "NativeGraph";
  static constexpr napi_type_tag tag{0xd27f4b9e60a1c853, 0x418e5c3b9f72d06a};

  static void define(Napi::Env env);

  GraphObject(Napi::Env env, std::shared_ptr<const index::SearchGraph> made);
  ~GraphObject();
  GraphObject(const GraphObject&) = delete;
  GraphObject& operator=(const GraphObject&) = delete;

  /// Shared with searches and work that still run when the object is collected.
  const std::shared_ptr<const index::SearchGraph> graph;

 private:
  Napi::Value kind(const Napi::CallbackInfo& info);
  Napi::Value count(const Napi::CallbackInfo& info);
  Napi::Value layers(const Napi::CallbackInfo& info);
  Napi::Value edges(const Napi::CallbackInfo& info);
  Napi::Value max_degree(const Napi::CallbackInfo& info);
  Napi::Value memory_bytes(const Napi::CallbackInfo& info);
  Napi::Value neighbors(const Napi::CallbackInfo& info);
  Napi::Value save(const Napi::CallbackInfo& info);
  Napi::Value extend(const Napi::CallbackInfo& info);
  Napi::Value repair(const Napi::CallbackInfo& info);
  Napi::Value renumber(const Napi::CallbackInfo& info);
  Napi::Value thin(const Napi::CallbackInfo& info);

  Napi::Env env_;
  std::size_t bytes_;
};

/// buildGraph(index, options) -> Promise<NativeGraph>
Napi::Value build_graph(const Napi::CallbackInfo& info);
/// loadGraph(saved, options) -> Promise<NativeGraph>
Napi::Value load_graph(const Napi::CallbackInfo& info);

}  // namespace embedless::binding
