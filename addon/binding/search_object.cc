#include "binding/search_object.h"

#include <vector>

#include "binding/convert.h"
#include "binding/native_class.h"

namespace embedless::binding {

namespace {

template <class Element, class Field>
std::vector<Element> column(const std::vector<index::Answer>& answers, Field field) {
  std::vector<Element> values;
  values.reserve(answers.size());
  for (const index::Answer& answer : answers) values.push_back(static_cast<Element>(answer.*field));
  return values;
}

template <class Element>
std::vector<Element> copy(std::span<const Element> values) {
  return {values.begin(), values.end()};
}

}  // namespace

void SearchObject::define(Napi::Env env) {
  define_class<SearchObject>(env, {
                                      getter<SearchObject, &SearchObject::done>("done"),
                                      getter<SearchObject, &SearchObject::scanned>("scanned"),
                                      method<SearchObject, &SearchObject::wants>("wants"),
                                      method<SearchObject, &SearchObject::feed>("feed"),
                                      method<SearchObject, &SearchObject::raise>("raise"),
                                      method<SearchObject, &SearchObject::result>("result"),
                                  });
}

Napi::Value SearchObject::done(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), session_.ranker().done());
}

Napi::Value SearchObject::scanned(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(session_.scanned()));
}

Napi::Value SearchObject::wants(const Napi::CallbackInfo& info) { return to_js(info.Env(), session_.ranker().wants()); }

Napi::Value SearchObject::feed(const Napi::CallbackInfo& info) {
  // Copied: memory that another thread shares could change between the checks and the use.
  const auto fed = copy(nodes(info[0], "nodes"));
  const auto vectors = copy(floats(info[1], "vectors"));
  const auto missing = copy(nodes(info[2], "missing"));
  session_.feed(fed, vectors, missing);
  return info.Env().Undefined();
}

Napi::Value SearchObject::raise(const Napi::CallbackInfo& info) {
  session_.ranker().raise(positive_number(info[0], "recall", 1));
  return info.Env().Undefined();
}

Napi::Value SearchObject::result(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto& ranker = session_.ranker();
  const auto answers = ranker.answers();
  auto result = Napi::Object::New(env);
  result.Set("nodes", to_js(env, column<std::uint32_t>(answers, &index::Answer::node)));
  result.Set("scores", to_js(env, column<double>(answers, &index::Answer::score)));
  result.Set("exact", to_js(env, column<std::uint8_t>(answers, &index::Answer::exact)));
  result.Set("estimates", to_js(env, column<float>(answers, &index::Answer::estimate)));
  result.Set("sigmas", to_js(env, column<float>(answers, &index::Answer::sigma)));
  result.Set("chances", to_js(env, column<double>(answers, &index::Answer::chance)));
  result.Set("recomputed", static_cast<double>(ranker.recomputed()));
  result.Set("dismissed", static_cast<double>(ranker.dismissed()));
  result.Set("capped", ranker.capped());
  result.Set("expectedRecall", ranker.expected_recall());
  const index::Misses misses = ranker.first_round();
  auto first_round = Napi::Object::New(env);
  first_round.Set("count", static_cast<double>(misses.count));
  first_round.Set("sumSquares", misses.sum_squares);
  result.Set("firstRound", first_round);
  return result;
}

}  // namespace embedless::binding
