#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "graph/row_vectors.h"

namespace embedless::index {

class Snapshot;

/// What a walk over the nodes of one snapshot needs at hand: where blocks of rows lie, live bits as words, factors.
/// Made at first use, since most snapshots of a growing store are never walked over. Safe to share between threads.
class RandomAccess {
 public:
  /// What distances to rows take beside them: under l2 squared norms, under cosine inverse ones.
  struct Factors {
    std::vector<float> values;
    bool unit = false;  ///< Cosine: all norms are 1, as far as the rows' rounding lets them.
  };

  RandomAccess() = default;
  /// `factors`: those of the snapshot before, whose rows all stand in this one too.
  explicit RandomAccess(std::shared_ptr<const Factors> factors) : factors_(std::move(factors)) {}

  /// The start of every block of 64 rows.
  const std::uint8_t* const* blocks(const Snapshot& snapshot) const;
  /// Live bits, bit i of word i / 64. Empty if every node lives.
  std::span<const std::uint64_t> live(const Snapshot& snapshot) const;
  /// Nodes with exceptions, as bits. Empty if there is none.
  std::span<const std::uint64_t> exceptional(const Snapshot& snapshot) const;
  /// The factors of all rows of a row-major snapshot; null under ip, which takes none. @throws Stopped.
  std::shared_ptr<const Factors> factors(const Snapshot& snapshot, graph::RowForm form, std::size_t dims,
                                         base::Metric metric, const base::StopFlag* stop) const;
  /// The factors as far as anybody has asked for them; may be null.
  std::shared_ptr<const Factors> factors_so_far() const;

 private:
  void prepare(const Snapshot& snapshot) const;

  mutable std::once_flag prepared_;
  mutable std::vector<const std::uint8_t*> blocks_;
  mutable std::vector<std::uint64_t> live_;
  mutable std::vector<std::uint64_t> exceptional_;
  mutable std::mutex measuring_;
  mutable std::mutex swapping_;
  mutable std::shared_ptr<const Factors> factors_;
};

/// Where the rows of a row-major snapshot lie. Holds as long as the snapshot.
graph::RowPlaces row_places(const Snapshot& snapshot);

}  // namespace embedless::index
