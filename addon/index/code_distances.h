#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "graph/vectors.h"
#include "index/code_store.h"
#include "index/node_vectors.h"

namespace embedless::index {

/// Distances of one query to the nodes of a snapshot as their rows tell them, for a walk. Only their order matters;
/// they are minus the estimate, or what `graph::Vectors` says for rows that are vectors. Not for use by several threads
/// at once.
class CodeDistances {
 public:
  /// `query` holds dims floats. Holds what it refers to. @throws Error INVALID_VECTOR; Stopped.
  CodeDistances(std::shared_ptr<const Snapshot> snapshot, const Coder& coder, const Scorer& scorer,
                std::span<const float> query, const base::StopFlag* stop);

  const graph::Distances& distances() const;
  const graph::Query& query() const { return query_; }

 private:
  class Estimates;

  std::vector<float> vector_;
  graph::Query query_;
  std::optional<StoredVectors> stored_;
  std::shared_ptr<const Estimates> estimates_;
};

}  // namespace embedless::index
