#include "binding/graph_options.h"

#include <algorithm>
#include <string>
#include <thread>

#include "base/error.h"
#include "binding/convert.h"
#include "binding/failure.h"
#include "binding/progress_object.h"
#include "binding/search_request.h"
#include "binding/stop_object.h"

namespace embedless::binding {

namespace {

constexpr const char* name = "options";

std::uint32_t number(const Napi::Value& given, const char* key, std::size_t low, std::size_t high,
                     std::uint32_t otherwise) {
  return static_cast<std::uint32_t>(whole_number(property(given, name, key), key, low, high, otherwise));
}

bool boolean(const Napi::Value& given, const char* key, bool otherwise) {
  const Napi::Value value = property(given, name, key);
  if (value.IsUndefined()) return otherwise;
  if (value.IsBoolean()) return value.As<Napi::Boolean>();
  throw WrongType(std::string("Expected true or false for ") + key + ", but received " + show(value) + ".");
}

double ranged(const Napi::Value& value, const char* parameter, double low, double high) {
  const double given = finite_number(value, parameter);
  if (given >= low && given <= high) return given;
  throw base::Error("INVALID_ARGUMENT", std::string("Expected a number from ") + show_number(low) + " to " +
                                            show_number(high) + " for " + parameter + ", but received " + show(value) +
                                            ".");
}

/// 0 if it is left out.
float alpha_option(const Napi::Value& given, base::Metric metric) {
  const Napi::Value value = property(given, name, "alpha");
  if (value.IsUndefined()) return 0;
  const bool is_ip = metric == base::Metric::ip;
  return static_cast<float>(ranged(value, "alpha", is_ip ? 1 / graph::most_alpha : 1, is_ip ? 1 : graph::most_alpha));
}

}  // namespace

RunRequest run_request(const Napi::Value& given) {
  RunRequest request{
      .threads = std::max(1u, std::thread::hardware_concurrency()), .progress = nullptr, .stop = nullptr};
  if (given.IsUndefined()) return request;
  request.threads = number(given, "threads", 1, most_threads, request.threads);
  request.progress = progress_option(property(given, name, "progress"), "progress");
  request.stop = stop_option(property(given, name, "stop"), "stop");
  return request;
}

graph::Recipe recipe_of(const Napi::Value& given, base::Metric metric) {
  graph::Recipe recipe;
  recipe.kind = static_cast<graph::Kind>(choice(property(given, name, "kind"), "kind", {"vamana", "hnsw"}));
  recipe.seed = whole_number(property(given, name, "seed"), "seed", 0, (std::size_t{1} << 53) - 1, recipe.seed);
  if (recipe.kind == graph::Kind::hnsw) {
    recipe.m = number(given, "M", 2, graph::most_degree / 2, recipe.m);
    recipe.ef_construction = number(given, "efConstruction", 1, graph::most_window, recipe.ef_construction);
    return recipe;
  }
  recipe.alpha = alpha_option(given, metric);
  recipe.max_degree = number(given, "maxDegree", 1, graph::most_degree, recipe.max_degree);
  recipe.build_window = number(given, "buildWindow", 1, graph::most_window, recipe.build_window);
  recipe.max_candidates = number(given, "maxCandidates", 1, graph::most_window, recipe.max_candidates);
  recipe.prune_to = number(given, "pruneTo", 1, recipe.max_degree, recipe.prune_to);
  recipe.full_search_history = boolean(given, "fullSearchHistory", recipe.full_search_history);
  recipe.passes = number(given, "passes", 1, graph::most_passes, recipe.passes);
  return recipe;
}

graph::ThinOptions thin_options(const Napi::Value& given, std::size_t count, float alpha) {
  graph::ThinOptions options;
  options.method =
      static_cast<graph::ThinMethod>(choice(property(given, name, "method"), "method", {"prune", "hubs", "random"}, 0));
  options.alpha = alpha;
  const Napi::Value share = property(given, name, "hubShare");
  if (!share.IsUndefined()) options.hub_share = ranged(share, "hubShare", 0, 1);
  options.seed = whole_number(property(given, name, "seed"), "seed", 0, (std::size_t{1} << 53) - 1, options.seed);
  const Napi::Value degree = property(given, name, "degree");
  const Napi::Value budget = property(given, name, "bytes");
  if (degree.IsUndefined() == budget.IsUndefined()) {
    throw WrongType("Expected either degree or bytes in the options, but received " +
                    std::string(degree.IsUndefined() ? "neither." : "both."));
  }
  if (!degree.IsUndefined()) {
    options.degree = whole_number(degree, "degree", 1, graph::most_degree);
    return options;
  }
  constexpr double most_bytes = 1000;
  options.degree = graph::degree_for_bytes(count, ranged(budget, "bytes", 0, most_bytes));
  return options;
}

graph::ListForm list_form(const Napi::Value& given) {
  if (given.IsUndefined()) return graph::ListForm::flat;
  return static_cast<graph::ListForm>(choice(property(given, name, "lists"), "lists", {"flat", "packed"}, 0));
}

graph::SavedGraph saved_graph(const Napi::Value& given) {
  const Napi::Value header = property(given, "saved", "header");
  const Napi::Value blocks = property(given, "saved", "blocks");
  if (!blocks.IsArray()) throw WrongType("Expected an array for blocks, but received " + show(blocks) + ".");
  const auto copy = [](const Napi::Value& value, const char* parameter) {
    const auto view = bytes(value, parameter);
    return std::vector<std::uint8_t>(view.begin(), view.end());
  };
  graph::SavedGraph saved;
  const auto array = blocks.As<Napi::Array>();
  for (std::uint32_t i = 0; i < array.Length(); ++i) saved.blocks.push_back(copy(array.Get(i), "blocks"));
  saved.header = copy(header, "header");
  return saved;
}

Napi::Value to_js(Napi::Env env, const graph::SavedGraph& saved) {
  auto blocks = Napi::Array::New(env, saved.blocks.size());
  for (std::uint32_t i = 0; i < saved.blocks.size(); ++i) {
    blocks.Set(i, to_js(env, std::span<const std::uint8_t>(saved.blocks[i])));
  }
  auto object = Napi::Object::New(env);
  object.Set("header", to_js(env, std::span<const std::uint8_t>(saved.header)));
  object.Set("blocks", blocks);
  return object;
}

}  // namespace embedless::binding
