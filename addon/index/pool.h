#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace embedless::index {

/// A node and what its code says of its score.
struct Candidate {
  float estimate;
  std::uint32_t node;
};

/// The order of answers: estimate falling, then node rising. Total, because a node stands once.
inline bool better(const Candidate& a, const Candidate& b) {
  return a.estimate != b.estimate ? a.estimate > b.estimate : a.node < b.node;
}

/// A number that can be ordered: damaged codes may give NaN, which would break every sort.
inline float ordered(float estimate) {
  return std::isnan(estimate) ? -std::numeric_limits<float>::infinity() : estimate;
}

/// Keeps the best `capacity` of the candidates offered, in any order of offers.
///
/// A buffer of twice the capacity is cut back to the best half whenever it is full, which raises the threshold below
/// which an offer is in vain: amortised, an offer costs a few comparisons.
class Pool {
 public:
  explicit Pool(std::size_t capacity) : capacity_(capacity) { kept_.reserve(2 * capacity); }

  /// Offers strictly below it cannot be kept; offers at it may be, if their node is smaller.
  float threshold() const { return threshold_; }

  void offer(float estimate, std::uint32_t node) {
    kept_.push_back({estimate, node});
    if (kept_.size() == 2 * capacity_) shrink();
  }

  /// The best, in no particular order.
  std::vector<Candidate> take() {
    shrink();
    return std::move(kept_);
  }

 private:
  void shrink() {
    if (kept_.size() < capacity_ || capacity_ == 0) return;
    const auto last = kept_.begin() + static_cast<std::ptrdiff_t>(capacity_ - 1);
    std::nth_element(kept_.begin(), last, kept_.end(), better);
    kept_.resize(capacity_);
    threshold_ = kept_.back().estimate;
  }

  std::size_t capacity_;
  float threshold_ = -std::numeric_limits<float>::infinity();
  std::vector<Candidate> kept_;
};

}  // namespace embedless::index
