#pragma once

#include <napi.h>

#include <cstddef>

#include "index/trained_coder.h"

namespace embedless::binding {

/// The `code` option of training: { bytes }, "lvq4", "lvq8", "lvq4x8" or { leanvec: { dims, primary, training } }; the
/// default if undefined. @param dims numbers of a vector.
index::CodeChoice code_choice(const Napi::Value& value, std::size_t dims);

/// Whether the choice is fitted to sample queries.
bool takes_queries(const index::CodeChoice& choice);

}  // namespace embedless::binding
