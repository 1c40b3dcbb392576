#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "graph/recompute_walk.h"
#include "index/ranker.h"

namespace embedless::index {

/// A walk over a graph on exact scores: LEANN's searches (see `graph::RecomputeWalk`), as a session is fed.
///
/// Nodes that the graph lacks are no part of the walk: those given as `others` are recomputed first, and what is best
/// of both is the answer. Scores of a round may arrive in parts; the walk goes on when it is whole.
class WalkRanker final : public Ranker {
 public:
  /// `walk` is null where no node of the graph may be answered. `cap`: most recomputes, at least 1.
  WalkRanker(std::unique_ptr<graph::RecomputeWalk> walk, std::vector<std::uint32_t> others, std::size_t k,
             std::size_t cap);

  std::vector<std::uint32_t> wants() const override;
  void feed(std::span<const std::uint32_t> nodes, std::span<const double> scores,
            std::span<const std::uint32_t> missing) override;
  void raise(double) override {}
  std::vector<Answer> answers() const override;
  std::size_t recomputed() const override { return recomputed_; }
  std::size_t dismissed() const override { return 0; }
  bool capped() const override { return capped_; }
  double expected_recall() const override;
  Misses first_round() const override { return {}; }

 private:
  struct Told {
    double score = 0;
    bool gone = false;
  };

  void check(std::span<const std::uint32_t> nodes, std::span<const double> scores,
             std::span<const std::uint32_t> missing) const;
  void advance();
  void pass_on();
  void plan();

  std::unique_ptr<graph::RecomputeWalk> walk_;
  std::vector<std::uint32_t> others_;  // still to be asked for
  std::size_t k_;
  std::size_t cap_;
  std::size_t recomputed_ = 0;
  bool capped_ = false;
  std::vector<std::uint32_t> round_;              // what was asked for
  bool of_walk_ = false;                          // by the walk, or for the others
  std::unordered_map<std::uint32_t, Told> told_;  // what has come of the round
  std::vector<graph::Exact> best_others_;
};

}  // namespace embedless::index
