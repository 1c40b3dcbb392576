#include "binding/search_request.h"

#include <cmath>

#include "base/error.h"
#include "binding/convert.h"
#include "binding/graph_object.h"
#include "binding/native_class.h"
#include "binding/stop_object.h"

namespace embedless::binding {

namespace {

constexpr double most_sigma_scale = 1000;
constexpr const char* name = "options";

/// A number above 0 and up to `most`, or what is taken where it is left out.
double positive(const Napi::Value& given, const char* parameter, double most, double otherwise) {
  return given.IsUndefined() ? otherwise : positive_number(given, parameter, most);
}

std::size_t window(const Napi::Value& given) {
  return whole_number(property(given, name, "searchWindow"), "searchWindow", 1, graph::most_window, 100);
}

std::shared_ptr<const index::SearchGraph> graph_option(const Napi::Value& given) {
  return unwrap<GraphObject>(property(given, name, "graph"), "graph").graph;
}

index::GraphOptions graph_options(const Napi::Value& given) {
  index::GraphOptions options;
  options.mode = static_cast<index::SearchMode>(
      choice(property(given, name, "mode"), "mode", {"scan", "guided", "exact", "two-level"}, 0));
  if (options.mode == index::SearchMode::scan) return options;
  // Exact scores of all nodes need no graph.
  const bool left_out = options.mode == index::SearchMode::exact && property(given, name, "graph").IsUndefined();
  if (!left_out) options.graph = graph_option(given);
  options.window = window(given);
  options.ratio = positive(property(given, name, "ratio"), "ratio", 1, options.ratio);
  options.strategy = static_cast<graph::RecomputeStrategy>(
      choice(property(given, name, "strategy"), "strategy", {"global", "local", "proportional"}, 0));
  return options;
}

std::optional<index::Bitmap> filter_option(const Napi::Value& given) {
  const Napi::Value filter = property(given, name, "filter");
  if (filter.IsUndefined()) return std::nullopt;
  return index::Bitmap(bytes(filter, "filter"));
}

}  // namespace

void check_finite(const std::vector<float>& query) {
  for (const float value : query) {
    if (!std::isfinite(value)) throw base::Error("INVALID_VECTOR", "Expected finite numbers in the query.");
  }
}

SearchRequest search_request(const Napi::Value& given) {
  SearchRequest request;
  index::RerankOptions& rerank = request.options.rerank;
  rerank.k = whole_number(property(given, name, "k"), "k", 1, most_candidates);
  rerank.recall = positive(property(given, name, "recall"), "recall", 1, rerank.recall);
  rerank.least_chance = positive(property(given, name, "leastChance"), "leastChance", 1, 1);
  rerank.cap = whole_number(property(given, name, "cap"), "cap", 0, most_candidates);
  rerank.scores = static_cast<index::Scores>(choice(property(given, name, "scores"), "scores", {"exact", "approx"}, 0));
  rerank.sigma_scale = positive(property(given, name, "sigmaScale"), "sigmaScale", most_sigma_scale, 1);
  request.options.batch =
      whole_number(property(given, name, "batch"), "batch", 1, most_candidates, request.options.batch);
  request.options.pool = whole_number(property(given, name, "pool"), "pool", 1, most_candidates);
  request.options.threads =
      static_cast<unsigned>(whole_number(property(given, name, "threads"), "threads", 1, most_threads, 0));
  request.options.graph = graph_options(given);
  request.stop = stop_option(property(given, name, "stop"), "stop");
  request.filter = filter_option(given);
  return request;
}

NearestRequest nearest_request(const Napi::Value& given) {
  NearestRequest request;
  request.k = whole_number(property(given, name, "k"), "k", 1, graph::most_window);
  request.graph.mode = index::SearchMode::guided;
  request.graph.graph = graph_option(given);
  request.graph.window = window(given);
  request.filter = filter_option(given);
  return request;
}

}  // namespace embedless::binding
