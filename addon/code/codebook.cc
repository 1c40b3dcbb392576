#include "code/codebook.h"

namespace embedless::code {

Codebook::Codebook(CodebookParts parts)
    : parts_(std::move(parts)),
      factors_(parts_.metric, parts_.ranges),
      squared_norms_((parts_.starts.size() - 1) * centroid_count) {
  for (std::size_t j = 0; j < subspaces(); ++j) {
    float* norms = &squared_norms_[j * centroid_count];
    for (std::size_t i = 0; i < width(j); ++i) {
      const float* row = centroids(j) + i * centroid_count;
      for (std::size_t c = 0; c < centroid_count; ++c) norms[c] += row[c] * row[c];
    }
  }
}

}  // namespace embedless::code
