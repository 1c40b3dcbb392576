#pragma once

#include <napi.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "base/stop.h"
#include "index/search_session.h"

namespace embedless::binding {

/// Of k, batch, cap, pool and rounds: far above use, and sums of them fit.
inline constexpr std::size_t most_candidates = 0x7fffffff;
inline constexpr std::size_t most_threads = 256;

/// The options of `NativeIndex.search`, checked and copied.
struct SearchRequest {
  index::SearchOptions options;
  std::optional<index::Bitmap> filter;
  std::shared_ptr<base::StopFlag> stop;
};

SearchRequest search_request(const Napi::Value& given);

/// The options of `NativeIndex.nearest`.
struct NearestRequest {
  std::size_t k = 0;
  index::GraphOptions graph;
  std::optional<index::Bitmap> filter;
};

NearestRequest nearest_request(const Napi::Value& given);

/// @throws Error INVALID_VECTOR for a query that is not finite.
void check_finite(const std::vector<float>& query);

}  // namespace embedless::binding
