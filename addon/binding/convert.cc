#include "binding/convert.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "binding/failure.h"

namespace embedless::binding {

namespace {

constexpr const char* metric_names[] = {"cosine", "ip", "l2"};
constexpr const char* form_names[] = {"float32", "float16", "lvq8", "int8"};

[[noreturn]] void wrong_type(const char* name, const std::string& expected, const std::string& received) {
  throw WrongType("Expected " + expected + " for " + name + ", but received " + received + ".");
}

[[noreturn]] void out_of_range(const char* name, const std::string& expected, const std::string& received) {
  throw base::Error("INVALID_ARGUMENT", "Expected " + expected + " for " + name + ", but received " + received + ".");
}

template <class Element>
std::span<const Element> view(const Napi::Value& value, const char* name, napi_typedarray_type type,
                              const char* type_name) {
  if (!value.IsTypedArray()) wrong_type(name, std::string("a ") + type_name, show(value));
  napi_typedarray_type actual;
  std::size_t length;
  void* data;
  napi_value buffer;
  std::size_t offset;
  bool detached;
  if (napi_get_typedarray_info(value.Env(), value, &actual, &length, &data, &buffer, &offset) != napi_ok ||
      napi_is_detached_arraybuffer(value.Env(), buffer, &detached) != napi_ok) {
    throw Napi::Error::New(value.Env());
  }
  if (actual != type) wrong_type(name, std::string("a ") + type_name, show(value));
  if (detached) wrong_type(name, std::string("a ") + type_name, "one whose buffer is detached");
  if (length == 0) return {};
  return {static_cast<const Element*>(data), length};
}

template <class Array, class Element>
Array copy_to_js(Napi::Env env, std::span<const Element> values) {
  Array array = Array::New(env, values.size());
  if (!values.empty()) std::memcpy(array.Data(), values.data(), values.size_bytes());
  return array;
}

}  // namespace

std::string show_number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  char digits[32];
  std::snprintf(digits, sizeof digits, "%.17g", value);
  return digits;
}

std::string show(const Napi::Value& value) {
  if (value.IsUndefined()) return "undefined";
  if (value.IsNull()) return "null";
  if (value.IsBoolean()) return value.As<Napi::Boolean>() ? "true" : "false";
  if (value.IsNumber()) return show_number(value.As<Napi::Number>().DoubleValue());
  if (value.IsString()) {
    const std::string content = value.As<Napi::String>();
    return content.size() <= 60 ? '"' + content + '"' : "a string of " + std::to_string(content.size()) + " bytes";
  }
  if (value.IsBigInt()) return "a bigint";
  if (value.IsSymbol()) return "a symbol";
  if (value.IsFunction()) return "a function";
  if (value.IsTypedArray()) return "another kind of typed array";
  if (value.IsArray()) return "an array";
  return "an object";
}

Napi::Value property(const Napi::Value& object, const char* object_name, const char* key) {
  if (!object.IsObject() || object.IsFunction()) wrong_type(object_name, "an object", show(object));
  return object.As<Napi::Object>().Get(key);
}

std::size_t whole_number(const Napi::Value& value, const char* name, std::size_t low, std::size_t high) {
  const auto expected = "a whole number from " + std::to_string(low) + " to " + std::to_string(high);
  if (!value.IsNumber()) wrong_type(name, expected, show(value));
  const double number = value.As<Napi::Number>().DoubleValue();
  if (!(number >= static_cast<double>(low) && number <= static_cast<double>(high)) || number != std::floor(number)) {
    out_of_range(name, expected, show_number(number));
  }
  return static_cast<std::size_t>(number);
}

std::size_t whole_number(const Napi::Value& value, const char* name, std::size_t low, std::size_t high,
                         std::size_t otherwise) {
  return value.IsUndefined() ? otherwise : whole_number(value, name, low, high);
}

std::size_t choice(const Napi::Value& value, const char* name, std::initializer_list<const char*> names,
                   std::optional<std::size_t> otherwise) {
  if (value.IsUndefined() && otherwise) return *otherwise;
  std::string expected;
  for (const char* const* one = names.begin(); one != names.end(); ++one) {
    if (one != names.begin()) expected += one + 1 == names.end() ? " or " : ", ";
    expected += std::string("\"") + *one + '"';
  }
  if (!value.IsString()) wrong_type(name, expected, show(value));
  const std::string given = value.As<Napi::String>();
  const auto found = std::find(names.begin(), names.end(), given);
  if (found == names.end()) out_of_range(name, expected, show(value));
  return static_cast<std::size_t>(found - names.begin());
}

double positive_number(const Napi::Value& value, const char* name, double most) {
  const double number = finite_number(value, name);
  if (number > 0 && number <= most) return number;
  throw base::Error("INVALID_ARGUMENT", "Expected a number above 0 and up to " +
                                            std::to_string(static_cast<int>(most)) + " for " + name +
                                            ", but received " + show(value) + ".");
}

double finite_number(const Napi::Value& value, const char* name) {
  if (!value.IsNumber()) wrong_type(name, "a finite number", show(value));
  const double number = value.As<Napi::Number>().DoubleValue();
  if (!std::isfinite(number)) out_of_range(name, "a finite number", show_number(number));
  return number;
}

std::string text(const Napi::Value& value, const char* name) {
  if (!value.IsString()) wrong_type(name, "a string", show(value));
  return value.As<Napi::String>();
}

base::Metric metric(const Napi::Value& value, const char* name) {
  const std::string given = text(value, name);
  for (std::size_t i = 0; i < std::size(metric_names); ++i) {
    if (given == metric_names[i]) return static_cast<base::Metric>(i);
  }
  out_of_range(name, "\"cosine\", \"ip\" or \"l2\"", show(value));
}

code::VectorForm vector_form(const Napi::Value& value, const char* name) {
  const std::string given = text(value, name);
  for (std::size_t i = 0; i < std::size(form_names); ++i) {
    if (given == form_names[i]) return static_cast<code::VectorForm>(i);
  }
  out_of_range(name, "\"float32\", \"float16\", \"lvq8\" or \"int8\"", show(value));
}

const char* metric_name(base::Metric metric) { return metric_names[static_cast<std::size_t>(metric)]; }

std::span<const float> floats(const Napi::Value& value, const char* name) {
  return view<float>(value, name, napi_float32_array, "Float32Array");
}

std::span<const std::uint8_t> bytes(const Napi::Value& value, const char* name) {
  return view<std::uint8_t>(value, name, napi_uint8_array, "Uint8Array");
}

std::span<const std::uint32_t> nodes(const Napi::Value& value, const char* name) {
  return view<std::uint32_t>(value, name, napi_uint32_array, "Uint32Array");
}

std::vector<float> vector(const Napi::Value& value, const char* name, std::size_t dims) {
  const auto given = floats(value, name);
  if (given.size() != dims) {
    out_of_range(name, "a Float32Array of " + std::to_string(dims), "one of " + std::to_string(given.size()));
  }
  return {given.begin(), given.end()};
}

std::vector<float> vectors(const Napi::Value& value, const char* name, std::size_t dims, std::size_t most) {
  const auto given = floats(value, name);
  if (given.size() % dims != 0 || given.size() / dims > most) {
    out_of_range(name, "at most " + std::to_string(most) + " vectors of " + std::to_string(dims) + " numbers each",
                 std::to_string(given.size()) + " numbers");
  }
  return {given.begin(), given.end()};
}

std::vector<code::FactorException> exceptions(const Napi::Value& value, const char* name) {
  const auto given = bytes(value, name);
  if (given.size() % sizeof(code::FactorException) != 0) {
    out_of_range(name, "entries of 8 bytes each", std::to_string(given.size()) + " bytes");
  }
  std::vector<code::FactorException> entries(given.size() / sizeof(code::FactorException));
  if (!entries.empty()) std::memcpy(entries.data(), given.data(), given.size());
  for (const auto& entry : entries) {
    if (entry.factor > 2 || entry.zero != 0 || !std::isfinite(entry.value)) {
      out_of_range(name, "factors 0 to 2 with a finite value", "a damaged entry for row " + std::to_string(entry.row));
    }
  }
  std::ranges::stable_sort(entries, {}, &code::FactorException::row);
  return entries;
}

Napi::Uint8Array to_js(Napi::Env env, std::span<const std::uint8_t> values) {
  return copy_to_js<Napi::Uint8Array>(env, values);
}

Napi::Uint32Array to_js(Napi::Env env, std::span<const std::uint32_t> values) {
  return copy_to_js<Napi::Uint32Array>(env, values);
}

Napi::Float32Array to_js(Napi::Env env, std::span<const float> values) {
  return copy_to_js<Napi::Float32Array>(env, values);
}

Napi::Float64Array to_js(Napi::Env env, std::span<const double> values) {
  return copy_to_js<Napi::Float64Array>(env, values);
}

Napi::Uint8Array to_js(Napi::Env env, std::span<const code::FactorException> values) {
  return copy_to_js<Napi::Uint8Array>(
      env, std::span(reinterpret_cast<const std::uint8_t*>(values.data()), values.size_bytes()));
}

}  // namespace embedless::binding
