#pragma once

#include <napi.h>

#include <memory>
#include <optional>

#include "base/metric.h"
#include "base/stop.h"
#include "graph/graph_file.h"
#include "graph/recipe.h"
#include "graph/thin.h"

namespace embedless::binding {

/// How work on a graph runs, with what it points to.
struct RunRequest {
  unsigned threads = 1;
  std::shared_ptr<graph::Progress> progress;
  std::shared_ptr<base::StopFlag> stop;

  graph::Run run(const base::StopFlag& flag) const { return {threads, progress.get(), &flag}; }
};

/// `threads` (default: one a core), `progress` and `stop` of an object; all default if it is undefined.
RunRequest run_request(const Napi::Value& given);

/// What a graph is built with. @throws for values that cannot build one on this metric.
graph::Recipe recipe_of(const Napi::Value& given, base::Metric metric);

/// What `NativeGraph.thin` takes beside a run, for a graph of `count` nodes.
graph::ThinOptions thin_options(const Napi::Value& given, std::size_t count, float alpha);

graph::ListForm list_form(const Napi::Value& given);

/// A saved graph, copied.
graph::SavedGraph saved_graph(const Napi::Value& given);
Napi::Value to_js(Napi::Env env, const graph::SavedGraph& saved);

}  // namespace embedless::binding
