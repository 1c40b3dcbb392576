#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/metric.h"
#include "base/stop.h"
#include "code/codebook.h"
#include "code/lvq.h"

namespace embedless::code {

/// What a projection is fitted to: the passages alone, or sample queries besides.
enum class Projection : std::uint8_t { pca = 0, ood = 1 };

/// Most numbers that vectors are projected to.
inline constexpr std::size_t max_projected = max_components;

struct LvqTrainOptions {
  /// Numbers of a vector, 1 to `max_dims`.
  std::size_t dims = 0;
  base::Metric metric = base::Metric::cosine;
  LvqLevels levels = LvqLevels::lvq8;
  /// Numbers to project to, at most `dims` and `max_projected`; 0: no projection. `lvq4x8` takes none.
  std::size_t projected = 0;
  Projection projection = Projection::pca;
  /// Row-major; needed by `ood`, refused otherwise.
  std::span<const float> queries{};
  std::uint64_t seed = 5;
  unsigned threads = 1;
  const base::StopFlag* stop = nullptr;
};

/// What such a code consists of, every number already rounded to its stored form.
struct LvqParts {
  base::Metric metric = base::Metric::cosine;
  LvqLevels levels = LvqLevels::lvq8;
  std::size_t dims = 0;
  std::size_t projected = 0;  // 0: no projection
  std::vector<float> mean;    // [dims]
  float passage_unit = 1;     // powers of two; float16 holds a side / its unit
  float query_unit = 1;
  std::vector<float> passage_side;  // [projected][dims]: B
  std::vector<float> query_side;    // [projected][dims]: A; empty where it is B
  float rho = 1;
};

/// A trained code of the LVQ family: vectors less their mean, as they are or projected (LeanVec: Tepper and others,
/// arXiv 2312.16335), in numbers of 4 or 8 bits. Immutable and shared freely between threads.
///
/// With X = x - m and P the numbers that the codes of B X stand for, X^ = s A' P approximates X; the unbiased scale
/// s = |X|^2 / <X, A' P> is folded into the limits. A row is, little-endian,
///
///   [f32 low][f32 step][f32 a][f32 e][codes of the first level][codes of the second]
///
/// with a = <X, m> for cosine and ip, |X|^2 for l2, and e = |X - X^|, truncation and rounding together.
class LvqCode {
 public:
  static constexpr std::size_t factor_bytes = 16;

  /// Takes parts as they are; `train` and `load` make valid ones.
  explicit LvqCode(LvqParts parts);

  /// Trains on `vectors` (row-major, at least one). Cosine normalises them, and the queries, first.
  /// @throws Error INVALID_ARGUMENT for bad options, INVALID_VECTOR as `Codebook::train`; Stopped.
  static std::shared_ptr<const LvqCode> train(std::span<const float> vectors, const LvqTrainOptions& options);

  /// Reads what `save` wrote. Any other bytes are refused. @throws Error CORRUPT, or FORMAT_VERSION for a newer form.
  static std::shared_ptr<const LvqCode> load(std::span<const std::uint8_t> bytes);
  /// Whether bytes claim to be such a code.
  static bool is_saved(std::span<const std::uint8_t> bytes);

  std::vector<std::uint8_t> save() const;

  std::size_t dims() const { return parts_.dims; }
  base::Metric metric() const { return parts_.metric; }
  LvqLevels levels() const { return parts_.levels; }
  bool projects() const { return parts_.projected != 0; }
  /// Numbers that become codes.
  std::size_t numbers() const { return projects() ? parts_.projected : parts_.dims; }
  std::size_t row_bytes() const { return factor_bytes + lvq_bytes(levels(), numbers()); }
  /// Bytes at the start of a row that a scan reads: factors and first level.
  std::size_t first_bytes() const { return factor_bytes + lvq_first_bytes(levels(), numbers()); }
  /// Standard error of an estimate of <q, x> in units of e * |q - m|.
  float rho() const { return parts_.rho; }

  const LvqParts& parts() const { return parts_; }
  const float* mean() const { return parts_.mean.data(); }
  /// [projected][dims].
  const float* passage_side() const { return parts_.passage_side.data(); }
  const float* query_side() const {
    return parts_.query_side.empty() ? parts_.passage_side.data() : parts_.query_side.data();
  }
  /// The query side as [dims][projected], which turns codes back into vectors.
  const float* expansion() const { return expansion_.data(); }

 private:
  LvqParts parts_;
  std::vector<float> expansion_;
};

/// Rows of row-major vectors. Works on the calling thread. Results do not depend on how vectors are cut into calls.
/// @throws Error as `encode` of a codebook, but takes any number of vectors.
std::vector<std::uint8_t> encode(const LvqCode& code, std::span<const float> vectors,
                                 const base::StopFlag* stop = nullptr);

/// Approximate vectors of rows, m + X^, row-major.
/// @throws Error INVALID_ARGUMENT for a length that is no multiple of `row_bytes`.
std::vector<float> decode(const LvqCode& code, std::span<const std::uint8_t> rows);

}  // namespace embedless::code
