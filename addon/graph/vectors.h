#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/metric.h"

namespace embedless::graph {

/// One vector prepared to be compared with many nodes. Reused from one search to the next, so that none allocates.
/// Its content belongs to the `Vectors` that prepared it.
struct Query {
  std::vector<float> values;
  std::vector<std::int16_t> words;
  const float* numbers = nullptr;  ///< `values`, or the vector itself where it needs no change.
  float step = 0;                  ///< What one unit of `words` is worth.
  float sum = 0;                   ///< Of the vector's numbers.
  float squared = 0;               ///< Squared norm of the vector.
};

/// What a walk needs to know of the nodes: how far they are from its query. Lower is nearer.
///
/// Calls take all the nodes of a step together: one virtual call for some twenty distances costs nothing beside them,
/// and implementations can fetch rows ahead.
class Distances {
 public:
  Distances() = default;
  Distances(const Distances&) = delete;
  Distances& operator=(const Distances&) = delete;
  virtual ~Distances() = default;

  /// out[i] = distance of the query and nodes[i]; never NaN.
  virtual void distances(const Query& query, std::span<const std::uint32_t> nodes, float* out) const = 0;
};

/// The vectors that a graph is built on, and mostly searched on. Safe to share between threads; each has its own
/// `Query`.
///
///   l2      squared distance
///   cosine  1 - cosine
///   ip      minus the inner product, the only one that can be negative
class Vectors : public Distances {
 public:
  virtual std::size_t count() const = 0;
  virtual base::Metric metric() const = 0;
  /// Numbers of a vector as `read` writes it; may differ from those of a query.
  virtual std::size_t dims() const = 0;

  /// Prepares a search. `vector` is as `code::admit` leaves it (normalised under cosine) and stays until the last use.
  virtual void prepare(const float* vector, Query& query) const = 0;
  /// Prepares the comparison of a node with others.
  virtual void prepare_node(std::uint32_t node, Query& query) const = 0;
  /// The vector of a node, in a space whose distances are those of `distances`; normalised under cosine.
  virtual void read(std::uint32_t node, float* out) const = 0;
};

}  // namespace embedless::graph
