#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "code/codebook.h"
#include "kernel/descent.h"

namespace embedless::code {

/// Finds the code of one vector after the other. Keeps working memory, so every thread needs its own.
class CodeSearch {
 public:
  /// Vectors projected together. What a vector becomes does not depend on its batch.
  static constexpr std::size_t batch = 16;

  /// The codebook must outlive the search.
  explicit CodeSearch(const Codebook& codebook);

  /// Where the vectors of a batch go, as `admit` wrote them: [batch][dims].
  float* vectors() { return vectors_.data(); }

  /// Centres the first `count` <= batch vectors and turns them into principal components X.
  void project(std::size_t count);

  /// Writes the code of projected vector `index`, one byte a subspace. Returns its factors before any rounding. With a
  /// codebook of the form `bytes` the scale is |x - m|^2 / <X, D>, as if the components that were left out were as
  /// alike in query and passage as those that were kept: without it, passages on topics that the codebook was not
  /// trained on, which have more of their length there, are estimated too low. Measured on questions about other topics
  /// with 256 of 384 components: 37 candidates for recall@10 0.95 instead of 54, and 39 with all components.
  Factors search(std::size_t index, std::uint8_t* code);

  /// e of the vector searched last under another scale than its own: |X - scale * D|.
  float error(float scale) const;

 private:
  void find_nearest(const float* x, std::uint8_t* code);
  void descend(std::uint8_t* code);
  void gather(const std::uint8_t* code);

  const Codebook& codebook_;
  const kernel::DescentTable& loops_;
  std::vector<float> vectors_;     // [batch][dims], centred by `project`
  std::vector<float> components_;  // [batch][components]
  std::vector<float> products_;    // [subspaces][256]: <X, centroid> within each subspace
  std::vector<float> chosen_;      // [components]: D
  const float* current_ = nullptr;
  double outside_ = 0;  // squared length of the current vector beyond its components
};

}  // namespace embedless::code
