#pragma once

#include <memory>
#include <optional>

#include "base/stop.h"
#include "graph/row_vectors.h"
#include "graph/vectors.h"
#include "index/code_store.h"
#include "index/random_access.h"

namespace embedless::index {

/// The form in which a graph can walk on the rows of a store where they lie; none for codes, which are estimated.
std::optional<graph::RowForm> row_form(const Coder& coder, const Layout& layout);

/// The rows of a snapshot as vectors, where they have such a form. Holds what it refers to.
class StoredVectors {
 public:
  /// @throws Stopped.
  StoredVectors(std::shared_ptr<const Snapshot> snapshot, const Coder& coder, graph::RowForm form,
                const base::StopFlag* stop);

  const graph::Vectors& vectors() const { return *vectors_; }

 private:
  std::shared_ptr<const Snapshot> snapshot_;
  std::shared_ptr<const RandomAccess::Factors> factors_;
  std::unique_ptr<graph::RowVectors> vectors_;
};

/// The vectors of a snapshot's nodes for work on a graph: stored ones as they are; codes are decoded once, into float16
/// rows of their own, because comparing two codes again and again costs more than the memory.
class NodeVectors {
 public:
  /// @throws Error INVALID_ARGUMENT for a coder without estimates; Stopped within 5 ms.
  NodeVectors(std::shared_ptr<const Snapshot> snapshot, const Coder& coder, unsigned threads,
              const base::StopFlag* stop);

  const graph::Vectors& vectors() const { return stored_ ? stored_->vectors() : *decoded_; }

 private:
  void decode(const Snapshot& snapshot, const Coder& coder, unsigned threads, const base::StopFlag* stop);

  std::optional<StoredVectors> stored_;
  std::shared_ptr<std::uint8_t> rows_;
  const std::uint8_t* first_row_ = nullptr;
  std::unique_ptr<graph::RowVectors> decoded_;
};

}  // namespace embedless::index
