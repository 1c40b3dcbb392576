#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/metric.h"
#include "code/exception_list.h"
#include "code/vector_form.h"

/// JavaScript values to C++ ones, checked: type, length, bounds. Nothing here trusts its caller.
///
/// Each function takes the name of the parameter for its error: WrongType, or INVALID_ARGUMENT out of range.
namespace embedless::binding {

/// A value as a person would name it, for the end of an error's sentence.
std::string show(const Napi::Value& value);

std::string show_number(double value);

/// A property of an object. Getters may run JavaScript, so read all properties before taking a view of any array.
Napi::Value property(const Napi::Value& object, const char* object_name, const char* key);

/// A whole number in [low, high].
std::size_t whole_number(const Napi::Value& value, const char* name, std::size_t low, std::size_t high);
/// The same, or `otherwise` if undefined.
std::size_t whole_number(const Napi::Value& value, const char* name, std::size_t low, std::size_t high,
                         std::size_t otherwise);
/// The place of a string in `names`; `otherwise` if undefined and that is given.
std::size_t choice(const Napi::Value& value, const char* name, std::initializer_list<const char*> names,
                   std::optional<std::size_t> otherwise = std::nullopt);
double finite_number(const Napi::Value& value, const char* name);
/// Above 0 and up to `most`.
double positive_number(const Napi::Value& value, const char* name, double most);
std::string text(const Napi::Value& value, const char* name);
base::Metric metric(const Napi::Value& value, const char* name);
code::VectorForm vector_form(const Napi::Value& value, const char* name);
const char* metric_name(base::Metric metric);

/// Views of the memory of a typed array, valid until JavaScript runs again. A detached array is a WrongType.
std::span<const float> floats(const Napi::Value& value, const char* name);
std::span<const std::uint8_t> bytes(const Napi::Value& value, const char* name);
std::span<const std::uint32_t> nodes(const Napi::Value& value, const char* name);

/// A copy of `dims` floats.
std::vector<float> vector(const Napi::Value& value, const char* name, std::size_t dims);
/// A copy of row-major vectors of `dims` floats each, at most `most`; may be empty.
std::vector<float> vectors(const Napi::Value& value, const char* name, std::size_t dims, std::size_t most);
/// Exceptions from bytes of 8 each, by rising row.
std::vector<code::FactorException> exceptions(const Napi::Value& value, const char* name);

Napi::Uint8Array to_js(Napi::Env env, std::span<const std::uint8_t> values);
Napi::Uint32Array to_js(Napi::Env env, std::span<const std::uint32_t> values);
Napi::Float32Array to_js(Napi::Env env, std::span<const float> values);
Napi::Float64Array to_js(Napi::Env env, std::span<const double> values);
/// Exceptions as bytes of 8 each.
Napi::Uint8Array to_js(Napi::Env env, std::span<const code::FactorException> values);

}  // namespace embedless::binding
