#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace embedless::index {

/// One answer.
struct Answer {
  std::uint32_t node;
  double score;  ///< Exact if `exact`, else the estimate.
  bool exact;
  float estimate;
  float sigma;    ///< Scaled.
  double chance;  ///< How likely it is one of the true k nearest; NaN if nothing tells.
};

/// How far estimates were off, in units of their unscaled sigma.
struct Misses {
  std::size_t count = 0;
  double sum_squares = 0;
};

/// What decides which nodes of a search get their exact score, and so its answer.
class Ranker {
 public:
  Ranker() = default;
  virtual ~Ranker() = default;

  bool done() const { return wants().empty(); }
  /// Nodes whose exact scores it needs next; empty when done.
  virtual std::vector<std::uint32_t> wants() const = 0;
  /// Exact scores of `nodes`, and nodes that are gone: wanted nodes, all or some of them, each once, in any order. The
  /// next round begins when the last wanted node has come.
  /// Throws INVALID_ARGUMENT for anything else, and then nothing has changed.
  virtual void feed(std::span<const std::uint32_t> nodes, std::span<const double> scores,
                    std::span<const std::uint32_t> missing) = 0;

  /// Asks for a higher recall than the search began with: one that was done may go on. A lower one changes nothing, and
  /// neither does any where nothing tells the recall.
  virtual void raise(double recall) = 0;

  /// The best k, in order: score falling, node rising.
  virtual std::vector<Answer> answers() const = 0;
  /// Nodes with exact scores.
  virtual std::size_t recomputed() const = 0;
  /// Candidates that were left without their exact score.
  virtual std::size_t dismissed() const = 0;
  /// Whether the cap ended it while candidates were left.
  virtual bool capped() const = 0;
  /// Share of the true k nearest that the answers hold, as the estimates' errors tell; NaN if nothing tells.
  virtual double expected_recall() const = 0;
  virtual Misses first_round() const = 0;
};

}  // namespace embedless::index
