#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/stop.h"
#include "graph/vectors.h"
#include "kernel/walk.h"

namespace embedless::graph {

/// Forms of rows that a graph can run on.
///
///   float32  [f32 x dims]
///   split32  [u16 x dims][i16 x dims]       float32 in two planes: the upper halves, rounded, on which the walk runs
///                                           at half the memory traffic, and what is to be added to them as integers
///                                           to get the very bits back (`split` and `unsplit`)
///   float16  [f32 unit][f16 x dims]         x = unit * half
///   lvq8     [f32 low][f32 step][u8 x dims] x = low + step * byte
///
/// All but split32 are the rows of `code::VectorForm`, so a graph runs on a store's rows where they lie.
enum class RowForm : std::uint8_t { float32, split32, float16, lvq8 };

/// Bytes of a row.
std::size_t row_bytes(RowForm form, std::size_t dims);

/// Writes a row of form float32 as one of form split32; the two must not overlap.
void split(const std::uint8_t* whole, std::size_t dims, std::uint8_t* split);
/// The row of form float32 that `split` was given, bit for bit.
void unsplit(const std::uint8_t* split, std::size_t dims, std::uint8_t* whole);

/// Rows in memory that somebody else owns: `blocks[node >> shift] + (node & (2^shift - 1)) * stride`.
struct RowPlaces {
  const std::uint8_t* const* blocks = nullptr;
  unsigned shift = 0;
  std::size_t stride = 0;
};

/// Squared norms of rows first to first + out.size() - 1. @throws Stopped.
void squared_norms(RowForm form, std::size_t dims, RowPlaces places, std::size_t first, std::span<float> out,
                   const base::StopFlag* stop);

/// Whether a squared norm is as near to 1 as the rounding of rows leaves it.
bool is_unit(float squared_norm);

/// Vectors in rows of one form. Keeps no copy of them, only 4 bytes a node where the metric needs its norm.
class RowVectors final : public Vectors {
 public:
  /// Rows 0 to count - 1 must stay where they are and hold finite numbers; under cosine none is zero.
  /// Reads every row once under l2 and cosine. @throws Stopped.
  RowVectors(RowForm form, std::size_t dims, base::Metric metric, RowPlaces places, std::size_t count,
             const base::StopFlag* stop = nullptr);
  /// With what it would have to measure known beforehand: under l2 the squared norm of every row (see `squared_norms`),
  /// under cosine the inverse norm, or nothing if
  /// all are 1. `factors` stays as long as the object.
  RowVectors(RowForm form, std::size_t dims, base::Metric metric, RowPlaces places, std::size_t count,
             std::span<const float> factors);

  std::size_t count() const override { return count_; }
  base::Metric metric() const override { return metric_; }
  std::size_t dims() const override { return dims_; }
  void prepare(const float* vector, Query& query) const override;
  void prepare_node(std::uint32_t node, Query& query) const override;
  void distances(const Query& query, std::span<const std::uint32_t> nodes, float* out) const override;
  void read(std::uint32_t node, float* out) const override;

  /// Bytes kept beside the rows.
  std::size_t memory_bytes() const { return measured_.capacity() * sizeof(float); }

 private:
  void products(const Query& query, std::span<const std::uint32_t> nodes, float* out) const;
  void measure(const base::StopFlag* stop);

  RowForm form_;
  std::size_t dims_;
  base::Metric metric_;
  std::size_t count_;
  kernel::RowPlaces rows_;
  const kernel::WalkTable& loops_;
  std::vector<float> measured_;
  std::span<const float> factors_;  // l2: squared norms; cosine: inverse norms, none if all are 1
};

}  // namespace embedless::graph
