#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "index/scan.h"

namespace embedless::index {

struct BoundOptions {
  /// Answers wanted, at least 1.
  std::size_t k = 10;
  /// How many standard errors an estimate may be wrong. Higher: more recomputes, more recall. May be negative.
  double eps = 0.5;
  /// Recomputes asked for at once, at least 1. Smaller: the bound is tested more often.
  std::size_t batch = 8;
  /// Most recomputes; raised to the first round's if below it.
  std::size_t cap = 64;
};

/// One answer.
struct Answer {
  std::uint32_t node;
  double score;    ///< Exact if `exact`, else the estimate.
  bool exact;
  float estimate;
  float sigma;
};

/// The bounded rerank: decides which candidates need their exact score.
///
/// The first ceil(k / batch) * batch candidates are recomputed; then, a batch at a time and in order of estimate, only
/// those whose estimate + eps * sigma lies strictly above the k-th exact score so far; it ends when there is none left
/// or at the cap. A candidate that is gone counts as if it had never been there: its round goes on with the next in order,
/// against the same k-th score. Deterministic: when scores arrive does not matter, only what they are.
class Rerank {
 public:
  /// `candidates` in order: estimate falling, node rising.
  Rerank(std::vector<Estimated> candidates, const BoundOptions& options);

  bool done() const { return wanted_.empty(); }
  /// Nodes whose exact scores it needs next, in order of estimate; empty when done.
  std::vector<std::uint32_t> wants() const;
  /// Exact scores of `nodes`, and nodes that are gone; together all wanted nodes, each once, in any order.
  /// Throws INVALID_ARGUMENT for anything else, and then nothing has changed.
  void feed(std::span<const std::uint32_t> nodes, std::span<const double> scores,
            std::span<const std::uint32_t> missing);

  /// The best k with exact scores, score falling, node rising; the best k estimates while no score is exact.
  std::vector<Answer> answers() const;
  /// Candidates with exact scores.
  std::size_t recomputed() const { return recomputed_; }
  /// Candidates that the bound rules out: not recomputed, and not above the k-th exact score.
  std::size_t dismissed() const;

 private:
  enum class State : std::uint8_t { open, exact, gone };
  struct Entry {
    Estimated code;
    double score = 0;
    State state = State::open;
  };

  double reach(const Entry& entry) const;
  double kth_score() const;
  void want(std::size_t count);
  void advance();

  std::vector<Entry> entries_;
  BoundOptions options_;
  double bar_ = -std::numeric_limits<double>::infinity();  // the k-th exact score when the running round began
  bool first_round_ = true;                                // takes candidates whatever the bar
  std::size_t owed_ = 0;                                   // recomputes that the running round still lacks
  std::size_t recomputed_ = 0;
  std::vector<std::size_t> wanted_;  // places in entries_, ascending
};

}  // namespace embedless::index
