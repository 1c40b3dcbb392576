#include "binding/graph_object.h"

#include <functional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "binding/convert.h"
#include "binding/graph_options.h"
#include "binding/index_object.h"
#include "binding/native_class.h"
#include "binding/worker.h"
#include "graph/build.h"
#include "graph/repair.h"
#include "index/graph_search.h"
#include "index/node_vectors.h"

namespace embedless::binding {

namespace {

using Snapshot = std::shared_ptr<const index::Snapshot>;

/// Work whose result is a graph.
class GraphWorker final : public Worker {
 public:
  using Work = std::function<graph::Graph(const base::StopFlag& stop)>;

  GraphWorker(Napi::Env env, std::shared_ptr<base::StopFlag> stop, Work work)
      : Worker(env, std::move(stop)), work_(std::move(work)) {}

 protected:
  void run(const base::StopFlag& stop) override {
    made_ = std::make_shared<const index::SearchGraph>(work_(stop));
    work_ = nullptr;  // what it holds goes here, off the main thread
  }
  Napi::Value result(Napi::Env env) override { return wrap(env, std::make_unique<GraphObject>(env, std::move(made_))); }

 private:
  Work work_;
  std::shared_ptr<const index::SearchGraph> made_;
};

class SaveWorker final : public Worker {
 public:
  SaveWorker(Napi::Env env, std::shared_ptr<const index::SearchGraph> graph)
      : Worker(env, nullptr), graph_(std::move(graph)) {}

 protected:
  void run(const base::StopFlag& stop) override { saved_ = graph::save_graph(graph_->graph(), &stop); }
  Napi::Value result(Napi::Env env) override { return to_js(env, saved_); }

 private:
  std::shared_ptr<const index::SearchGraph> graph_;
  graph::SavedGraph saved_;
};

Napi::Value start(Napi::Env env, const RunRequest& run, GraphWorker::Work work) {
  return Worker::start(env, std::make_unique<GraphWorker>(env, run.stop, std::move(work)));
}

/// An index as work sees it: of the moment at which the work was asked for.
struct Source {
  Snapshot snapshot;
  std::shared_ptr<const index::Coder> coder;

  explicit Source(const Napi::Value& value)
      : snapshot(unwrap<IndexObject>(value, "index").store->snapshot()),
        coder(unwrap<IndexObject>(value, "index").store->coder()) {}

  index::NodeVectors vectors(const RunRequest& run, const base::StopFlag& stop) const {
    return {snapshot, *coder, run.threads, &stop};
  }
  /// @throws Error INVALID_ARGUMENT if the index lacks nodes of the graph.
  void check_holds(const graph::Graph& graph) const {
    if (snapshot->count() >= graph.lists->count()) return;
    throw base::Error("INVALID_ARGUMENT", "Expected an index of at least the graph's " +
                                              std::to_string(graph.lists->count()) + " nodes, but received one of " +
                                              std::to_string(snapshot->count()) + ".");
  }
};

Napi::Value number(const Napi::CallbackInfo& info, std::size_t value) {
  return Napi::Number::New(info.Env(), static_cast<double>(value));
}

}  // namespace

void GraphObject::define(Napi::Env env) {
  define_class<GraphObject>(env, {
                                     getter<GraphObject, &GraphObject::kind>("kind"),
                                     getter<GraphObject, &GraphObject::count>("count"),
                                     getter<GraphObject, &GraphObject::layers>("layers"),
                                     getter<GraphObject, &GraphObject::edges>("edges"),
                                     getter<GraphObject, &GraphObject::max_degree>("maxDegree"),
                                     getter<GraphObject, &GraphObject::memory_bytes>("memoryBytes"),
                                     method<GraphObject, &GraphObject::neighbors>("neighbors"),
                                     async_method<GraphObject, &GraphObject::save>("save"),
                                     async_method<GraphObject, &GraphObject::extend>("extend"),
                                     async_method<GraphObject, &GraphObject::repair>("repair"),
                                     async_method<GraphObject, &GraphObject::renumber>("renumber"),
                                     async_method<GraphObject, &GraphObject::thin>("thin"),
                                 });
}

/// Tells the garbage collector how much memory hangs on the object, so that it is collected in time.
GraphObject::GraphObject(Napi::Env env, std::shared_ptr<const index::SearchGraph> made)
    : graph(std::move(made)), env_(env), bytes_(graph->graph().memory_bytes()) {
  std::int64_t total;
  napi_adjust_external_memory(env_, static_cast<std::int64_t>(bytes_), &total);
}

GraphObject::~GraphObject() {
  std::int64_t total;
  napi_adjust_external_memory(env_, -static_cast<std::int64_t>(bytes_), &total);
}

Napi::Value GraphObject::kind(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), graph->graph().recipe.kind == graph::Kind::vamana ? "vamana" : "hnsw");
}

Napi::Value GraphObject::count(const Napi::CallbackInfo& info) { return number(info, graph->count()); }
Napi::Value GraphObject::layers(const Napi::CallbackInfo& info) { return number(info, graph->graph().layers.size()); }
Napi::Value GraphObject::edges(const Napi::CallbackInfo& info) { return number(info, graph->edges()); }
Napi::Value GraphObject::max_degree(const Napi::CallbackInfo& info) {
  return number(info, graph->graph().lists->max_degree());
}
Napi::Value GraphObject::memory_bytes(const Napi::CallbackInfo& info) { return number(info, bytes_); }

Napi::Value GraphObject::neighbors(const Napi::CallbackInfo& info) {
  const auto& lists = *graph->graph().lists;
  const std::size_t node = whole_number(info[0], "node", 0, lists.count() - 1);
  std::vector<std::uint32_t> room(lists.room_nodes());
  return to_js(info.Env(), lists.neighbors(static_cast<std::uint32_t>(node), room.data()));
}

Napi::Value GraphObject::save(const Napi::CallbackInfo& info) {
  return Worker::start(info.Env(), std::make_unique<SaveWorker>(info.Env(), graph));
}

Napi::Value GraphObject::extend(const Napi::CallbackInfo& info) {
  const RunRequest run = run_request(info[1]);
  const Source source(info[0]);
  source.check_holds(graph->graph());
  return start(info.Env(), run, [run, source, graph = graph](const base::StopFlag& stop) {
    const auto nodes = source.vectors(run, stop);
    return graph::extend(graph->graph(), nodes.vectors(), run.run(stop),
                         index::allowed_nodes(*source.snapshot, nullptr));
  });
}

Napi::Value GraphObject::repair(const Napi::CallbackInfo& info) {
  const RunRequest run = run_request(info[1]);
  const Source source(info[0]);
  source.check_holds(graph->graph());
  return start(info.Env(), run, [run, source, graph = graph](const base::StopFlag& stop) {
    const auto live = index::allowed_nodes(*source.snapshot, nullptr);
    if (live.empty()) return graph->graph();
    const auto nodes = source.vectors(run, stop);
    return graph::repair(graph->graph(), nodes.vectors(), live, run.run(stop));
  });
}

Napi::Value GraphObject::renumber(const Napi::CallbackInfo& info) {
  const auto given = nodes(info[0], "numbers");
  const std::vector<std::uint32_t> numbers(given.begin(), given.end());
  return start(info.Env(), {},
               [numbers, graph = graph](const base::StopFlag&) { return graph::renumber(graph->graph(), numbers); });
}

Napi::Value GraphObject::thin(const Napi::CallbackInfo& info) {
  const RunRequest run = run_request(info[1]);
  const Source source(info[0]);
  const graph::Graph& whole = graph->graph();
  source.check_holds(whole);
  graph::ThinOptions options =
      thin_options(info[1], whole.lists->count(), graph::alpha_of(whole.recipe, source.coder->metric()));
  return start(info.Env(), run, [run, source, options, graph = graph](const base::StopFlag& stop) mutable {
    const auto nodes = source.vectors(run, stop);
    options.threads = run.threads;
    options.stop = &stop;
    return graph::thin(graph->graph(), nodes.vectors(), options);
  });
}

Napi::Value build_graph(const Napi::CallbackInfo& info) {
  const RunRequest run = run_request(info[1]);
  const Source source(info[0]);
  const graph::Recipe recipe = recipe_of(info[1], source.coder->metric());
  return start(info.Env(), run, [run, source, recipe](const base::StopFlag& stop) {
    const auto nodes = source.vectors(run, stop);
    return graph::build(nodes.vectors(), recipe, run.run(stop), index::allowed_nodes(*source.snapshot, nullptr));
  });
}

Napi::Value load_graph(const Napi::CallbackInfo& info) {
  const graph::ListForm form = list_form(info[1]);
  auto saved = saved_graph(info[0]);
  return start(info.Env(), {}, [saved = std::move(saved), form](const base::StopFlag& stop) {
    return graph::load_graph(saved, form, &stop);
  });
}

}  // namespace embedless::binding
