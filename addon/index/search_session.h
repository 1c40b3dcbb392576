#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/metric.h"
#include "base/stop.h"
#include "index/bitmap.h"
#include "index/code_store.h"
#include "index/graph_search.h"
#include "index/rerank.h"

namespace embedless::index {

struct SearchOptions {
  RerankOptions rerank;
  /// Recomputes that a walk on exact scores asks for together at least.
  std::size_t batch = 8;
  /// Candidates that are estimated again and ordered; at least 1.
  std::size_t pool = 512;
  /// Whether candidates come from a scan or from a walk over a graph.
  GraphOptions graph{};
  const Bitmap* filter = nullptr;
  unsigned threads = 0;
  const base::StopFlag* stop = nullptr;
};

/// One search: the candidates of a scan or a walk with the rerank of them, or a walk that needs exact scores; either is
/// fed with vectors.
///
/// It keeps copies of what it needs, so a store may change or go while a session waits for vectors. Not for use by
/// several threads at once.
class SearchSession {
 public:
  /// Scans the snapshot, or walks over it. `query` holds dims floats.
  /// Throws INVALID_VECTOR; INVALID_ARGUMENT if the graph or the mode does not fit the snapshot; Stopped.
  static SearchSession start(const std::shared_ptr<const Snapshot>& snapshot, const Coder& coder,
                             std::vector<float> query, const SearchOptions& options);

  Ranker& ranker() { return *ranker_; }
  const Ranker& ranker() const { return *ranker_; }
  std::size_t scanned() const { return scanned_; }
  std::size_t dims() const { return query_.size(); }

  /// Feeds vectors (row-major, as the embedder gave them) of `nodes`; see Ranker::feed.
  /// Throws INVALID_VECTOR if one is not finite, or zero under cosine; then nothing has changed.
  void feed(std::span<const std::uint32_t> nodes, std::span<const float> vectors,
            std::span<const std::uint32_t> missing);

 private:
  SearchSession(std::vector<float> query, base::Metric metric, std::size_t scanned, std::unique_ptr<Ranker> ranker)
      : query_(std::move(query)), metric_(metric), scanned_(scanned), ranker_(std::move(ranker)) {}

  std::vector<float> query_;
  base::Metric metric_;
  std::size_t scanned_;
  std::unique_ptr<Ranker> ranker_;
};

}  // namespace embedless::index
