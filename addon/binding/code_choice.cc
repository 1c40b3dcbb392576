#include "binding/code_choice.h"

#include <algorithm>
#include <iterator>
#include <span>
#include <string>

#include "binding/convert.h"
#include "binding/failure.h"

namespace embedless::binding {

namespace {

constexpr const char* level_names[] = {"lvq4", "lvq8", "lvq4x8"};
constexpr const char* projection_names[] = {"pca", "ood"};

/// The place of a string among names.
std::size_t one_of(const Napi::Value& value, const char* name, std::span<const char* const> names) {
  const std::string given = text(value, name);
  const auto found = std::ranges::find(names, given);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  std::string expected;
  for (const char* each : names) expected += (expected.empty() ? "\"" : ", \"") + std::string(each) + '"';
  throw base::Error("INVALID_ARGUMENT",
                    "Expected one of " + expected + " for " + name + ", but received " + show(value) + ".");
}

code::LvqLevels levels(const Napi::Value& value, const char* name, std::size_t count) {
  return static_cast<code::LvqLevels>(one_of(value, name, std::span(level_names).first(count)));
}

index::CodeChoice leanvec(const Napi::Value& given, std::size_t dims) {
  constexpr const char* name = "code.leanvec";
  const std::size_t most = std::min(dims, code::max_projected);
  return {.bytes = 0,
          .levels = levels(property(given, name, "primary"), "code.leanvec.primary", 2),
          .projected = whole_number(property(given, name, "dims"), "code.leanvec.dims", 1, most),
          .projection = static_cast<code::Projection>(
              one_of(property(given, name, "training"), "code.leanvec.training", projection_names))};
}

}  // namespace

index::CodeChoice code_choice(const Napi::Value& value, std::size_t dims) {
  if (value.IsUndefined()) return {};
  if (value.IsString()) return {.bytes = 0, .levels = levels(value, "code", std::size(level_names))};
  const Napi::Value lean = property(value, "code", "leanvec");
  const Napi::Value size = property(value, "code", "bytes");
  if (lean.IsUndefined()) return {.bytes = whole_number(size, "code.bytes", 1, code::max_code_bytes)};
  if (!size.IsUndefined()) throw WrongType("Expected either bytes or leanvec in code, but received both.");
  return leanvec(lean, dims);
}

bool takes_queries(const index::CodeChoice& choice) {
  return choice.projected != 0 && choice.projection == code::Projection::ood;
}

}  // namespace embedless::binding
