#include "index/graph_search.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/error.h"
#include "index/code_distances.h"
#include "index/walk_ranker.h"

namespace embedless::index {

namespace {

/// How many nodes the graph links: the first ones. Without a graph none.
std::size_t linked(const GraphOptions& options) { return options.graph == nullptr ? 0 : options.graph->count(); }

void check(const Snapshot& snapshot, const GraphOptions& options) {
  if (linked(options) <= snapshot.count()) return;
  throw base::Error("INVALID_ARGUMENT", "Expected a graph of at most the " + std::to_string(snapshot.count()) +
                                            " nodes of the index, but received one of " +
                                            std::to_string(linked(options)) + ".");
}

bool any(std::span<const std::uint64_t> words) {
  return std::ranges::any_of(words, [](std::uint64_t word) { return word != 0; });
}

/// The part of `words` that speaks of the first `count` nodes.
std::vector<std::uint64_t> first_nodes(std::vector<std::uint64_t> words, std::size_t count) {
  if (words.size() > (count + 63) / 64) words.resize((count + 63) / 64);
  if (count % 64 != 0 && words.size() == (count + 63) / 64) words.back() &= (std::uint64_t{1} << (count % 64)) - 1;
  return words;
}

/// Distances of an exact walk: minus the score, so estimates are minus the estimate.
graph::RecomputeWalk::Estimate estimates_of(std::shared_ptr<const Snapshot> snapshot,
                                            std::shared_ptr<const Scorer> scorer) {
  auto row = std::make_shared<std::vector<std::uint8_t>>(snapshot->layout().row_bytes);
  return [snapshot = std::move(snapshot), scorer = std::move(scorer), row](std::span<const std::uint32_t> nodes,
                                                                           float* out) {
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      snapshot->read_row(nodes[i], row->data());
      out[i] = -ordered(scorer->estimate(row->data(), snapshot->exceptions_of(nodes[i])));
    }
  };
}

/// The nodes past the graph's end that a walk on exact scores begins with.
ScanResult others_of(const Snapshot& snapshot, const Coder& coder, const Scorer& scorer, const GraphOptions& options,
                     const ScanOptions& scanning) {
  ScanOptions rest = scanning;
  rest.first = linked(options);
  const bool chosen = options.graph != nullptr && coder.estimates();
  rest.pool = chosen ? options.window : std::max<std::size_t>(snapshot.count() - rest.first, 1);
  ScanResult found = scan(snapshot, scorer, rest);
  std::ranges::sort(found.best, better);
  return found;
}

}  // namespace

void need_estimates(const Coder& coder, const char* mode) {
  if (coder.estimates()) return;
  throw base::Error("INVALID_ARGUMENT", std::string("Expected an index with codes or vectors for mode \"") + mode +
                                            "\", but received one of kind \"none\".");
}

std::vector<std::uint64_t> allowed_nodes(const Snapshot& snapshot, const Bitmap* filter) {
  const auto live = snapshot.random_access().live(snapshot);
  std::vector<std::uint64_t> words(live.begin(), live.end());
  if (filter == nullptr) return words;
  if (words.empty()) words.assign(snapshot.blocks(), ~std::uint64_t{0});
  for (std::size_t i = 0; i < words.size(); ++i) words[i] &= filter->word(i);
  return words;
}

ScanResult walk(const std::shared_ptr<const Snapshot>& snapshot, const Coder& coder, const Scorer& scorer,
                std::span<const float> query, const GraphOptions& options, const ScanOptions& scanning) {
  check(*snapshot, options);
  need_estimates(coder, "guided");
  ScanOptions rest = scanning;
  rest.first = options.graph->count();
  ScanResult result = scan(*snapshot, scorer, rest);
  const CodeDistances codes(snapshot, coder, scorer, query, scanning.stop);
  const auto allowed = allowed_nodes(*snapshot, scanning.filter);
  const bool none_allowed = !allowed.empty() && !any(first_nodes(allowed, options.graph->count()));
  if (none_allowed) return result;
  options.graph->with_walker([&](graph::Walker& walker) {
    const auto found = options.graph->graph().search(codes.distances(), codes.query(),
                                                     {.window = std::min(options.window, options.graph->count()),
                                                      .capacity = std::min(scanning.pool, options.graph->count()),
                                                      .allowed = allowed,
                                                      .stop = scanning.stop},
                                                     walker);
    for (const graph::Found& one : found.first(std::min(found.size(), scanning.pool))) {
      result.best.push_back({-one.distance, one.node});
    }
    result.scanned += walker.distances();
  });
  return result;
}

std::vector<Candidate> nearest(const std::shared_ptr<const Snapshot>& snapshot, const Coder& coder,
                               std::span<const float> query, std::size_t k, const GraphOptions& options,
                               const Bitmap* filter) {
  const auto scorer = coder.prepare(query);
  // A walk's distances are coarser than estimates, those to codes more so, so that some more than k are estimated
  // again.
  const std::size_t pool = (row_form(coder, snapshot->layout()) ? k : 2 * k) + 8;
  GraphOptions wide = options;
  wide.window = std::max(options.window, k);
  auto best = walk(snapshot, coder, *scorer, query, wide, {.pool = pool, .filter = filter, .threads = 1}).best;
  std::vector<std::uint8_t> row(snapshot->layout().row_bytes);
  for (Candidate& candidate : best) {
    snapshot->read_row(candidate.node, row.data());
    candidate.estimate = ordered(scorer->estimate(row.data(), snapshot->exceptions_of(candidate.node)));
  }
  std::ranges::sort(best, better);
  if (best.size() > k) best.resize(k);
  return best;
}

ExactWalk exact_walk(const std::shared_ptr<const Snapshot>& snapshot, const Coder& coder,
                     std::shared_ptr<const Scorer> scorer, const GraphOptions& options, const ScanOptions& scanning,
                     const ExactOptions& exact) {
  check(*snapshot, options);
  const bool two_levels = options.mode == SearchMode::two_level;
  if (two_levels) need_estimates(coder, "two-level");
  const ScanResult others = others_of(*snapshot, coder, *scorer, options, scanning);
  std::vector<std::uint32_t> first;
  for (const Candidate& candidate : others.best) first.push_back(candidate.node);
  const auto allowed = allowed_nodes(*snapshot, scanning.filter);
  std::unique_ptr<graph::RecomputeWalk> walk;
  if (options.graph != nullptr && (allowed.empty() || any(first_nodes(allowed, linked(options))))) {
    const graph::RecomputeOptions how{.window = std::max(options.window, exact.k),
                                      .batch = exact.batch,
                                      .ratio = two_levels ? options.ratio : 1,
                                      .strategy = options.strategy,
                                      .allowed = allowed};
    walk = std::make_unique<graph::RecomputeWalk>(
        options.graph->shared(), how,
        two_levels ? estimates_of(snapshot, std::move(scorer)) : graph::RecomputeWalk::Estimate());
  }
  return {.ranker = std::make_unique<WalkRanker>(std::move(walk), std::move(first), exact.k, exact.cap),
          .scanned = others.scanned};
}

}  // namespace embedless::index
