#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "index/entry.h"
#include "index/ranker.h"
#include "index/scan.h"

namespace embedless::index {

/// Which answers need their exact score.
enum class Scores : std::uint8_t {
  exact,   ///< All of them.
  approx,  ///< Those that estimates alone cannot tell from the rest.
};

struct RerankOptions {
  /// Answers wanted, at least 1.
  std::size_t k = 10;
  /// Share of the true k nearest that an answer is expected to hold before the search ends, 0 to 1; see
  /// `expected_recall`. Higher: more recomputes.
  double recall = 0.95;
  /// Chance of being among the k nearest from which on a candidate is looked at, whatever the answer's recall is
  /// expected to be, above 0; 1 or more: none is.
  double least_chance = 1;
  /// Most recomputes. Below k the answer is filled up with estimates; 0: estimates alone.
  std::size_t cap = 64;
  Scores scores = Scores::exact;
  /// Multiplies every standard error, above 0.
  double sigma_scale = 1;
};

/// The rerank: decides which candidates need their exact score.
///
/// Round by round it takes those that are most likely among the k nearest (with approximate scores: those of which it
/// is least sure), as many as are expected to bring the answer to its recall; with exact scores at least k in all. What
/// a round finds changes the chances of the rest. It ends when the answer is expected to be good enough, when no
/// candidate is left that could matter, or at the cap. So an easy question costs little, and one that nothing near
/// answers, which has many candidates just below the best, costs more.
///
/// Deterministic: when scores arrive, and how many at once, does not matter, only what they are.
class Rerank final : public Ranker {
 public:
  /// `candidates` in order: estimate falling, node rising.
  Rerank(std::span<const Estimated> candidates, const RerankOptions& options);

  /// Nodes whose exact scores it needs next, in order of estimate; empty when done.
  std::vector<std::uint32_t> wants() const override;
  void feed(std::span<const std::uint32_t> nodes, std::span<const double> scores,
            std::span<const std::uint32_t> missing) override;
  void raise(double recall) override;

  /// With exact scores the best k that have one; where there are fewer, all of them and the best estimates besides.
  /// With approximate scores the k that are most likely among the nearest. In order: known score falling, node rising.
  std::vector<Answer> answers() const override;
  /// Candidates with exact scores.
  std::size_t recomputed() const override { return recomputed_; }
  /// Candidates that were left without a look and are not in the answer.
  std::size_t dismissed() const override;
  /// Whether the cap ended it while more looks were needed.
  bool capped() const override;
  /// Share of the true k nearest that the answers hold; see expected_recall().
  double expected_recall() const override;
  /// The first round's, as far as they have come.
  Misses first_round() const override;

 private:
  const std::vector<double>& chances() const;
  std::vector<std::size_t> answer_places() const;
  std::vector<std::size_t> needed() const;
  double gain(std::size_t place) const;
  void begin_round();

  std::vector<Entry> entries_;
  RerankOptions options_;
  std::size_t recomputed_ = 0;
  bool first_round_ = true;
  std::vector<std::size_t> round_;  // places in entries_, ascending
  /// Places of those of the round that have not come, by node: vectors may come one by one, in rounds of thousands.
  std::unordered_map<std::uint32_t, std::size_t> wanted_;
  mutable std::optional<std::vector<double>> chances_;  // of what is known now, once somebody asked
};

}  // namespace embedless::index
