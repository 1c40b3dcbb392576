#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "graph/search_buffer.h"
#include "graph/vectors.h"

namespace embedless::graph {

/// Chooses the neighbors of a node: near ones, each in another direction (robust prune of DiskANN; HNSW's heuristic is
/// the same with a slack of 1).
///
/// Candidates are taken by rising distance from p. A candidate c is left out when some chosen s is so much nearer to it
/// that a walk through s reaches it anyway:
///
///   l2, cosine   alpha * d(s, c) <= d(p, c)         alpha >= 1; squared distances, so 1.2 is 1.095 in length
///   ip           alpha * <s, c> >= <p, c>           alpha <= 1, for positive products; negative ones mirrored
///
/// Either way a slack further from 1 leaves out less. Chosen in two rounds, as SVS does: first with a slack of 1, which
/// takes one node of every direction, then with alpha, which fills up what room is left. So the front of a list is
/// itself the list of a smaller graph, and more slack never means fewer neighbors out of the same first round.
///
/// Keeps working memory; every thread has its own.
class Pruner {
 public:
  /// Chooses at most `limit` of `candidates` (ascending, no node twice, `node` itself not among them) for a node.
  /// Deterministic. The result, in order of choice, holds until the next call.
  std::span<const Found> prune(const Vectors& vectors, float alpha, std::span<const Found> candidates,
                               std::size_t limit);

  /// Distances computed so far, for benchmarks.
  std::size_t distances() const { return distances_; }

 private:
  struct State {
    float occlusion = 0;       // the worst of all tests so far: how much nearer a chosen one is
    std::uint32_t tested = 0;  // chosen nodes it was tested against
    bool chosen = false;
  };

  bool occluded(const Vectors& vectors, std::span<const Found> candidates, std::size_t at, float threshold);

  std::vector<State> states_;
  std::vector<Found> chosen_;
  std::vector<std::uint32_t> chosen_nodes_;
  std::vector<std::uint32_t> chosen_places_;  // among the candidates
  std::size_t distances_ = 0;
  Query query_;
};

}  // namespace embedless::graph
