#include "graph/hnsw.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "code/random.h"
#include "graph/link.h"

namespace embedless::graph {
namespace {

/// Nodes in the order in which every layer links them: higher ones first, shuffled among equals.
std::vector<std::uint32_t> linking_order(const std::vector<unsigned>& levels, std::uint64_t seed) {
  std::vector<std::uint32_t> order(levels.size());
  std::iota(order.begin(), order.end(), 0u);
  code::Random random(seed);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  std::ranges::stable_sort(order, [&](std::uint32_t a, std::uint32_t b) { return levels[a] > levels[b]; });
  return order;
}

/// Builds layer after layer on top of what `graph` holds of the higher ones.
class HnswBuilder {
 public:
  HnswBuilder(const Vectors& vectors, const HnswOptions& options) : vectors_(vectors), options_(options) {
    for (std::uint32_t node = 0; node < vectors.count(); ++node) {
      levels_.push_back(level_of(node, options.m, options.seed));
    }
    order_ = linking_order(levels_, options.seed);
  }

  Graph build() {
    const unsigned top = levels_[order_.front()];
    Graph graph;
    graph.entry = order_.front();
    graph.layers.resize(top);
    for (unsigned level = top; level > 0; --level) build_layer(graph, level);
    const auto entry = [&](std::uint32_t node, Walker& walker, const Query& query) {
      return levels_[node] > 0 ? graph.entry : graph.enter(vectors_, query, walker);
    };
    Linker linker(vectors_, link_options(2 * options_.m));
    linker.link(order_, entry);
    graph.lists = linker.finish();
    return graph;
  }

 private:
  LinkOptions link_options(std::size_t degree) const {
    LinkOptions link;
    link.alpha = 1.0f;
    link.degree = degree;
    link.new_degree = options_.m;
    link.prune_to = degree;
    link.window = options_.ef_construction;
    link.max_candidates = options_.ef_construction;
    link.full_history = false;
    link.threads = options_.threads;
    link.linked = options_.linked;
    link.stop = options_.stop;
    return link;
  }

  void build_layer(Graph& graph, unsigned level) const {
    Layer& layer = graph.layers[level - 1];
    for (std::uint32_t node = 0; node < levels_.size(); ++node) {
      if (levels_[node] >= level) layer.members.push_back(node);
    }
    std::vector<std::uint32_t> slots;
    for (const std::uint32_t node : order_) {
      if (levels_[node] >= level) slots.push_back(layer.slot(node));
    }
    const SubsetVectors members(vectors_, layer.members);
    // A member of the layer above may not be linked here yet, so those begin at the entry, which is linked first.
    const auto entry = [&](std::uint32_t slot, Walker& walker, const Query& query) {
      const bool higher = levels_[layer.members[slot]] > level;
      return layer.slot(higher ? graph.entry : graph.enter(vectors_, query, walker, level));
    };
    Linker linker(members, link_options(options_.m));
    linker.link(slots, entry);
    layer.lists = linker.finish();
  }

  const Vectors& vectors_;
  const HnswOptions& options_;
  std::vector<unsigned> levels_;
  std::vector<std::uint32_t> order_;
};

}  // namespace

unsigned level_of(std::uint32_t node, std::size_t m, std::uint64_t seed) {
  code::Random random(seed ^ (static_cast<std::uint64_t>(node) << 20));
  const double uniform = (static_cast<double>(random.next() >> 11) + 1.0) * 0x1p-53;
  const double level = -std::log(uniform) / std::log(static_cast<double>(std::max<std::size_t>(m, 2)));
  return static_cast<unsigned>(std::min(level, static_cast<double>(most_layers)));
}

Graph build_hnsw(const Vectors& vectors, const HnswOptions& options) { return HnswBuilder(vectors, options).build(); }

}  // namespace embedless::graph
