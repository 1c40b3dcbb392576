#include "graph/hnsw.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

#include "base/random.h"
#include "graph/link.h"

namespace embedless::graph {
namespace {

/// Nodes from `first` on in the order in which every layer links them: higher ones first, shuffled among equals.
std::vector<std::uint32_t> linking_order(const std::vector<unsigned>& levels, std::size_t first, std::uint64_t seed,
                                         const base::StopFlag* stop) {
  std::vector<std::uint32_t> order(levels.size() - first);
  std::iota(order.begin(), order.end(), static_cast<std::uint32_t>(first));
  base::Random random(seed);
  for (std::size_t i = order.size(); i > 1; --i) {
    if (i % 65536 == 0) base::check(stop);
    std::swap(order[i - 1], order[random.below(i)]);
  }
  std::ranges::stable_sort(order, [&](std::uint32_t a, std::uint32_t b) { return levels[a] > levels[b]; });
  return order;
}

/// Builds layer after layer on top of what it holds of the higher ones; from nothing, or from an older graph over fewer
/// nodes.
class HnswBuilder {
 public:
  HnswBuilder(const Vectors& vectors, const Recipe& recipe, const Run& run, const Graph* older)
      : vectors_(vectors), recipe_(recipe), run_(run), older_(older) {
    const std::size_t first = older == nullptr ? 0 : older->lists->count();
    const auto most = older == nullptr ? most_layers : static_cast<unsigned>(older->layers.size());
    for (std::uint32_t node = 0; node < vectors.count(); ++node) {
      if (node % 65536 == 0) base::check(run.stop);
      levels_.push_back(std::min(level_of(node, recipe.m, recipe.seed), most));
    }
    // The older graph says where its nodes stand: not every one need stand where its number puts it.
    for (std::uint32_t node = 0; node < first; ++node) levels_[node] = 0;
    for (std::size_t i = 0; older != nullptr && i < older->layers.size(); ++i) {
      for (const std::uint32_t member : older->layers[i].members) levels_[member] = static_cast<unsigned>(i) + 1;
    }
    order_ = linking_order(levels_, first, recipe.seed, run.stop);
    if (run.progress == nullptr) return;
    for (const std::uint32_t node : order_) run.progress->total += 1 + levels_[node];
  }

  Graph build() {
    graph_.recipe = recipe_;
    graph_.recipe.kind = Kind::hnsw;
    graph_.entry = older_ != nullptr ? older_->entry : order_.front();
    const unsigned top = levels_[graph_.entry];
    graph_.layers.resize(top);
    for (unsigned level = top; level > 0; --level) build_layer(level);
    Linker linker(vectors_, link_options(2 * recipe_.m));
    if (older_ != nullptr) linker.load(*older_->lists);
    link(linker, order_, 0, [](std::uint32_t node) { return node; });
    graph_.lists = linker.finish();
    return std::move(graph_);
  }

 private:
  LinkOptions link_options(std::size_t degree) const {
    LinkOptions link;
    link.alpha = 1.0f;
    link.degree = degree;
    link.new_degree = recipe_.m;
    link.prune_to = degree;
    link.window = recipe_.ef_construction;
    link.max_candidates = recipe_.ef_construction;
    link.full_history = false;
    link.run = run_;
    return link;
  }

  /// Nodes that stand higher than this layer begin at the entry and come first, in batches of their own: the others
  /// descend to one of them, which must have its edges by then.
  template <class ToSlot>
  void link(Linker& linker, std::span<const std::uint32_t> order, unsigned level, ToSlot to_slot) const {
    std::vector<std::uint32_t> higher, rest;
    for (const std::uint32_t node : order) {
      if (levels_[node] > level)
        higher.push_back(to_slot(node));
      else if (levels_[node] == level)
        rest.push_back(to_slot(node));
    }
    linker.link(higher, [&](std::uint32_t, Walker&, const Query&) { return to_slot(graph_.entry); });
    linker.link(rest, [&](std::uint32_t, Walker& walker, const Query& query) {
      return to_slot(graph_.enter(vectors_, query, walker, level));
    });
  }

  void build_layer(unsigned level) {
    Layer& layer = graph_.layers[level - 1];
    for (std::uint32_t node = 0; node < levels_.size(); ++node) {
      if (levels_[node] >= level) layer.members.push_back(node);
    }
    const SubsetVectors members(vectors_, layer.members);
    Linker linker(members, link_options(recipe_.m));
    if (older_ != nullptr) linker.load(*widened(older_->layers[level - 1], layer));
    link(linker, order_, level, [&](std::uint32_t node) { return layer.slot(node); });
    layer.lists = linker.finish();
  }

  /// The lists of an older layer under the slots of one with more members.
  static std::shared_ptr<FlatAdjacency> widened(const Layer& older, const Layer& layer) {
    auto lists = std::make_shared<FlatAdjacency>(layer.members.size(), older.lists->max_degree());
    std::vector<std::uint32_t> list;
    for (std::uint32_t slot = 0; slot < older.members.size(); ++slot) {
      list.clear();
      for (const std::uint32_t neighbor : older.lists->list(slot)) list.push_back(layer.slot(older.members[neighbor]));
      lists->set(layer.slot(older.members[slot]), list);
    }
    return lists;
  }

  const Vectors& vectors_;
  const Recipe& recipe_;
  const Run& run_;
  const Graph* older_;
  Graph graph_;
  std::vector<unsigned> levels_;
  std::vector<std::uint32_t> order_;
};

}  // namespace

unsigned level_of(std::uint32_t node, std::size_t m, std::uint64_t seed) {
  base::Random random(seed ^ (static_cast<std::uint64_t>(node) << 20));
  const double uniform = (static_cast<double>(random.next() >> 11) + 1.0) * 0x1p-53;
  const double level = -std::log(uniform) / std::log(static_cast<double>(std::max<std::size_t>(m, 2)));
  return static_cast<unsigned>(std::min(level, static_cast<double>(most_layers)));
}

Graph build_hnsw(const Vectors& vectors, const Recipe& recipe, const Run& run) {
  return HnswBuilder(vectors, recipe, run, nullptr).build();
}

Graph extend_hnsw(const Graph& graph, const Vectors& vectors, const Run& run) {
  return HnswBuilder(vectors, graph.recipe, run, &graph).build();
}

}  // namespace embedless::graph
