#include "graph/prune.h"

#include <algorithm>
#include <limits>

namespace embedless::graph {
namespace {

/// Chosen nodes tested at once: the first few leave out most candidates, so larger groups mostly compute for nothing.
constexpr std::size_t group = 4;

/// How much nearer s is to c than p is. At 1 a walk gains nothing by an edge from p to c; negative products are
/// mirrored, for there the smaller magnitude is the nearer one.
float occlusion(base::Metric metric, float from_node, float from_chosen) {
  constexpr float never = 0;
  constexpr float always = std::numeric_limits<float>::infinity();
  if (metric != base::Metric::ip) return from_chosen > 0 ? from_node / from_chosen : always;
  const float node_product = -from_node;
  const float chosen_product = -from_chosen;
  if (chosen_product > 0) return node_product > 0 ? chosen_product / node_product : always;
  return node_product > 0 || chosen_product == 0 ? never : node_product / chosen_product;
}

}  // namespace

/// Whether a candidate is left out at this threshold. Tests go on where the last round left off; a chosen node that
/// lies farther from p than the candidate does not occlude it.
bool Pruner::occluded(const Vectors& vectors, std::span<const Found> candidates, std::size_t at, float threshold) {
  State& state = states_[at];
  bool prepared = false;
  while (state.occlusion < threshold && state.tested < chosen_nodes_.size()) {
    if (!prepared) vectors.prepare_node(candidates[at].node, query_);
    prepared = true;
    const std::size_t count = std::min<std::size_t>(group, chosen_nodes_.size() - state.tested);
    float distances[group];
    vectors.distances(query_, {&chosen_nodes_[state.tested], count}, distances);
    distances_ += count;
    for (std::size_t i = 0; i < count; ++i) {
      if (chosen_places_[state.tested + i] > at) continue;
      state.occlusion = std::max(state.occlusion, occlusion(vectors.metric(), candidates[at].distance, distances[i]));
    }
    state.tested += static_cast<std::uint32_t>(count);
  }
  return state.occlusion >= threshold;
}

std::span<const Found> Pruner::prune(const Vectors& vectors, float alpha, std::span<const Found> candidates,
                                     std::size_t limit) {
  states_.assign(candidates.size(), {});
  chosen_.clear();
  chosen_nodes_.clear();
  chosen_places_.clear();
  const float slack = vectors.metric() == base::Metric::ip ? 1.0f / alpha : alpha;
  for (const float threshold : {std::min(slack, 1.0f), slack}) {
    for (std::size_t at = 0; at < candidates.size() && chosen_.size() < limit; ++at) {
      if (states_[at].chosen || occluded(vectors, candidates, at, threshold)) continue;
      states_[at].chosen = true;
      chosen_.push_back(candidates[at]);
      chosen_nodes_.push_back(candidates[at].node);
      chosen_places_.push_back(static_cast<std::uint32_t>(at));
    }
    if (slack <= 1.0f) break;
  }
  return chosen_;
}

}  // namespace embedless::graph
