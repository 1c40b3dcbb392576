#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/metric.h"
#include "base/stop.h"
#include "code/factors.h"

namespace embedless::code {

/// Centroids of each subspace: one code byte chooses among them.
inline constexpr std::size_t centroid_count = 256;

/// Principal components kept at most. What lies beyond the kept ones counts into the residual.
inline constexpr std::size_t max_components = 1024;

/// Widest vectors that a codebook takes; the covariance of 8,192 dims takes half a gigabyte while training.
inline constexpr std::size_t max_dims = 8192;

/// Most code bytes a vector: sums of 255 table bytes still fit 16 bits.
inline constexpr std::size_t max_code_bytes = 255;

struct TrainOptions {
  /// Numbers of a vector, 1 to `max_dims`.
  std::size_t dims = 0;
  base::Metric metric = base::Metric::cosine;
  /// Code bytes a vector, 1 to `max_code_bytes`, factors not counted. More bytes: smaller errors, fewer recomputes.
  std::size_t bytes = 48;
  /// Chooses sample and first centroids. The same seed and vectors give the same codebook whatever `threads` is.
  std::uint64_t seed = 5;
  /// Threads to use, at least 1.
  unsigned threads = 1;
  const base::StopFlag* stop = nullptr;
};

/// How a codebook keeps its rotation and its centroids, which is the version of its file. A store names its codebook by
/// a checksum of the bytes, so a codebook is always saved in the form that it was trained or loaded in.
enum class CodebookForm : std::uint32_t {
  /// float16, min(dims, max_components) components. A row's scale makes up for the length within them.
  halves = 1,
  /// One byte a number, and a step for each component: half the size. Only components that get bits are kept (see
  /// `rates`), and a row's scale makes up for its whole length, which stands for the others: see `CodeSearch`.
  bytes = 2,
};

/// What a codebook consists of, every number already rounded to its stored form.
struct CodebookParts {
  CodebookForm form = CodebookForm::halves;
  base::Metric metric = base::Metric::cosine;
  std::size_t dims = 0;
  std::size_t components = 0;         // 1 to min(dims, max_components)
  std::vector<std::uint32_t> starts;  // subspace j holds components [starts[j], starts[j + 1])
  std::vector<float> mean;            // [dims]
  std::vector<float> rotation;        // [components][dims], principal directions by falling variance
  std::vector<float> rotation_steps;  // [components] of the form `bytes`: a number is its byte times this
  float centroid_unit = 1;            // of the form `halves`, a power of two: float16 holds centroid / centroid_unit
  std::vector<float> centroids;  // [components][256]: of each subspace its components' values, centroid by centroid
  std::vector<float> centroid_steps;  // [components] of the form `bytes`
  FactorRanges ranges;
  float rho = 0.06f;
};

/// A trained code: product quantisation in the space of the principal components, bits where the variance is.
/// Immutable and shared freely between threads. Everything is rounded to its stored form before it is used, so that a
/// codebook that was saved and loaded encodes and estimates exactly as before.
class Codebook {
 public:
  /// Takes parts as they are; `train` and `load` make valid ones.
  explicit Codebook(CodebookParts parts);

  /// Trains on `vectors` (row-major, `options.dims` numbers each; at least one). Cosine normalises them first. The form
  /// is `bytes`, unless rounding to it would be felt: with few dims, or where few vectors are far longer than others.
  /// @throws Error INVALID_ARGUMENT for bad options, INVALID_VECTOR for numbers that are not finite, norms above 1e15,
  /// or a zero vector under cosine; Stopped.
  static std::shared_ptr<const Codebook> train(std::span<const float> vectors, const TrainOptions& options);

  /// Reads what `save` wrote. Any other bytes are refused. @throws Error CORRUPT, or FORMAT_VERSION for a newer form.
  static std::shared_ptr<const Codebook> load(std::span<const std::uint8_t> bytes);

  std::vector<std::uint8_t> save() const;

  std::size_t dims() const { return parts_.dims; }
  base::Metric metric() const { return parts_.metric; }
  CodebookForm form() const { return parts_.form; }
  std::size_t components() const { return parts_.components; }
  std::size_t subspaces() const { return parts_.starts.size() - 1; }
  /// Bytes of an encoded vector: code bytes and factors.
  std::size_t row_bytes() const { return subspaces() + factors_.bytes(); }
  /// Standard error of an estimate of <q, x> in units of e * |q - m|.
  float rho() const { return parts_.rho; }

  const CodebookParts& parts() const { return parts_; }
  const FactorCoder& factors() const { return factors_; }
  const float* mean() const { return parts_.mean.data(); }
  const float* rotation() const { return parts_.rotation.data(); }
  std::size_t start(std::size_t subspace) const { return parts_.starts[subspace]; }
  std::size_t width(std::size_t subspace) const { return parts_.starts[subspace + 1] - parts_.starts[subspace]; }
  /// [width][256] of a subspace.
  const float* centroids(std::size_t subspace) const { return &parts_.centroids[start(subspace) * centroid_count]; }
  /// Squared norms of a subspace's 256 centroids.
  const float* squared_norms(std::size_t subspace) const { return &squared_norms_[subspace * centroid_count]; }

 private:
  CodebookParts parts_;
  FactorCoder factors_;
  std::vector<float> squared_norms_;  // [subspaces][256]
};

}  // namespace embedless::code
