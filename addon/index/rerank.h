#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "index/bounds.h"
#include "index/entry.h"
#include "index/ranker.h"
#include "index/scan.h"

namespace embedless::index {

/// Which answers need their exact score.
enum class Scores : std::uint8_t {
  exact,   ///< All of them.
  approx,  ///< Those that estimates alone cannot tell from the rest.
};

struct BoundOptions {
  /// Answers wanted, at least 1.
  std::size_t k = 10;
  /// How many standard errors an estimate may be wrong. Higher: more recomputes, more recall. Below 0 `exact` stops
  /// early; `approx` takes it as 0.
  double eps = 0.5;
  /// Recomputes asked for at once, at least 1. Smaller: the bound is tested more often.
  std::size_t batch = 8;
  /// Most recomputes. Below k the answer is filled up with estimates; 0: estimates alone.
  std::size_t cap = 64;
  Scores scores = Scores::exact;
  /// Multiplies every standard error, above 0.
  double sigma_scale = 1;
};

/// The bounded rerank: decides which candidates need their exact score.
///
/// Exact scores: the first ceil(k / batch) * batch candidates are recomputed; then, a batch at a time and in order of
/// estimate, only those whose estimate + eps * sigma lies strictly above the k-th exact score so far. A candidate that
/// is gone counts as if it had never been there: its round goes on with the next in order, against the same k-th score.
/// Approximate scores: a batch at a time and in order of estimate, those that `judge` finds ambiguous.
///
/// Both end when there is none left or at the cap. Deterministic: when scores arrive, and how many at once, does not
/// matter, only what they are.
class Rerank final : public Ranker {
 public:
  /// `candidates` in order: estimate falling, node rising.
  Rerank(std::span<const Estimated> candidates, const BoundOptions& options);

  /// Nodes whose exact scores it needs next, in order of estimate; empty when done.
  std::vector<std::uint32_t> wants() const override;
  void feed(std::span<const std::uint32_t> nodes, std::span<const double> scores,
            std::span<const std::uint32_t> missing) override;

  /// The best k with exact scores (or, if approximate, taken without one); where there are fewer of these, all of them
  /// and the best estimates besides. In order: score falling, node rising.
  std::vector<Answer> answers() const override;
  /// Candidates with exact scores.
  std::size_t recomputed() const override { return recomputed_; }
  /// Candidates that the bound rules out without their exact score.
  std::size_t dismissed() const override;
  /// Whether the cap ended it while candidates were left.
  bool capped() const override;
  /// Share of the true k nearest that the answers hold; see expected_recall().
  double expected_recall() const override;
  /// The first round's, as far as they have come.
  Misses first_round() const override;

 private:
  /// Places of open candidates that could still be in the answer, in order; `bar` is the k-th exact score.
  std::vector<std::size_t> contenders(double bar) const;
  std::vector<Verdict> judged() const;
  std::vector<std::size_t> answer_places() const;
  double reach(const Entry& entry) const;
  double kth_score() const;
  void want_owed();
  void advance();

  std::vector<Entry> entries_;
  BoundOptions options_;
  double bar_ = -std::numeric_limits<double>::infinity();  // the k-th exact score when the running round began
  std::size_t owed_ = 0;                                   // recomputes that the running round still lacks
  bool first_round_ = true;                                // with exact scores it takes candidates whatever the bar
  std::size_t recomputed_ = 0;
  std::vector<std::size_t> wanted_;  // places in entries_, ascending
};

}  // namespace embedless::index
