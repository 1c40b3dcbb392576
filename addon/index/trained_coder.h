#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "code/lvq_code.h"
#include "index/coder.h"

namespace embedless::index {

/// Which code to train.
struct CodeChoice {
  /// Product quantisation with so many code bytes; 0: one of the LVQ family instead.
  std::size_t bytes = 48;
  code::LvqLevels levels = code::LvqLevels::lvq8;
  /// LeanVec: numbers to project to; 0: LVQ of the vectors as they are.
  std::size_t projected = 0;
  code::Projection projection = code::Projection::pca;
};

struct CoderTrainOptions {
  std::size_t dims = 0;
  base::Metric metric = base::Metric::cosine;
  CodeChoice code;
  /// Row-major; needed by LeanVec fitted to queries, refused otherwise.
  std::span<const float> queries{};
  std::uint64_t seed = 5;
  unsigned threads = 1;
  const base::StopFlag* stop = nullptr;
};

/// Trains a code of any kind. Throws as `Codebook::train` and `LvqCode::train` do.
std::shared_ptr<const Coder> train_coder(std::span<const float> vectors, const CoderTrainOptions& options);

/// Reads what `Coder::save` of any kind wrote. Throws CORRUPT for any other bytes, FORMAT_VERSION for a newer form.
std::shared_ptr<const Coder> load_coder(std::span<const std::uint8_t> bytes);

}  // namespace embedless::index
