#pragma once

#include <cstdint>

namespace embedless::index {

/// A candidate of a rerank, and what is known of its score.
struct Entry {
  enum class State : std::uint8_t { open, exact, gone };

  std::uint32_t node;
  float estimate;
  float code_sigma;  ///< Standard error as the code tells it.
  double sigma;      ///< The same, scaled by what was learnt of the errors.
  double score = 0;  ///< Only if exact.
  State state = State::open;
  bool first_round = false;  ///< Asked for in the first round.

  /// The best that is known of its score.
  double known() const { return state == State::exact ? score : double{estimate}; }
};

/// The order of answers: known score falling, then node rising. Total, because a node stands once.
inline bool ranks_before(const Entry& a, const Entry& b) {
  return a.known() != b.known() ? a.known() > b.known() : a.node < b.node;
}

}  // namespace embedless::index
