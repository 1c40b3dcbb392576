#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "code/metric.h"
#include "code/stop.h"
#include "index/bitmap.h"
#include "index/code_store.h"
#include "index/rerank.h"

namespace embedless::index {

struct SearchOptions {
  BoundOptions bound;
  /// Candidates that are estimated again and ordered; at least 1.
  std::size_t pool = 512;
  const Bitmap* filter = nullptr;
  unsigned threads = 0;
  const code::StopFlag* stop = nullptr;
};

/// One search: the candidates of a scan, and the rerank that is fed with vectors.
///
/// It keeps copies of what it needs, so a store may change or go while a session waits for vectors. Not for use by
/// several threads at once.
class SearchSession {
 public:
  /// Scans the snapshot. `query` holds dims floats. Throws INVALID_VECTOR or Stopped.
  static SearchSession start(const Snapshot& snapshot, const Coder& coder, std::vector<float> query,
                             const SearchOptions& options);

  Rerank& rerank() { return rerank_; }
  const Rerank& rerank() const { return rerank_; }
  std::size_t scanned() const { return scanned_; }
  std::size_t dims() const { return query_.size(); }

  /// Feeds vectors (row-major, as the embedder gave them) of `nodes`; see Rerank::feed.
  /// Throws INVALID_VECTOR if one is not finite, or zero under cosine; then nothing has changed.
  void feed(std::span<const std::uint32_t> nodes, std::span<const float> vectors,
            std::span<const std::uint32_t> missing);

 private:
  SearchSession(std::vector<float> query, code::Metric metric, std::size_t scanned, Rerank rerank)
      : query_(std::move(query)), metric_(metric), scanned_(scanned), rerank_(std::move(rerank)) {}

  std::vector<float> query_;
  code::Metric metric_;
  std::size_t scanned_;
  Rerank rerank_;
};

}  // namespace embedless::index
