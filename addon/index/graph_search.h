#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "graph/recompute_walk.h"
#include "index/bitmap.h"
#include "index/code_store.h"
#include "index/ranker.h"
#include "index/scan.h"
#include "index/search_graph.h"

namespace embedless::index {

/// How a search finds its candidates.
enum class SearchMode : std::uint8_t {
  scan,       ///< All codes are estimated.
  guided,     ///< A walk over a graph on estimates finds the candidates.
  exact,      ///< A walk on exact scores alone: LEANN as it ships.
  two_level,  ///< A walk on exact scores that estimates choose: LEANN's Algorithm 2.
};

/// What a search takes when it walks over a graph.
struct GraphOptions {
  SearchMode mode = SearchMode::scan;
  /// Null only for a scan, or where all nodes are recomputed.
  std::shared_ptr<const SearchGraph> graph;
  /// Nearest nodes whose neighbors are all looked at; at least 1.
  std::size_t window = 100;
  /// Two-level: share of the estimated nodes that get their exact score, above 0 to 1.
  double ratio = 0.2;
  graph::RecomputeStrategy strategy = graph::RecomputeStrategy::global;
};

/// The nodes that a walk may answer, as words: live ones that pass the filter. Empty if all may be.
std::vector<std::uint64_t> allowed_nodes(const Snapshot& snapshot, const Bitmap* filter);

/// The candidates that a walk on estimates finds, together with those among the nodes that the graph lacks: at most
/// `scan.pool`. `scanned` counts distances and estimates.
/// @throws Error INVALID_ARGUMENT for a graph of more nodes than the snapshot has, or a coder without estimates;
/// Stopped.
ScanResult walk(const std::shared_ptr<const Snapshot>& snapshot, const Coder& coder, const Scorer& scorer,
                std::span<const float> query, const GraphOptions& options, const ScanOptions& scan);

/// The best `k` by estimate alone, in order, from a walk: for rows that are vectors, whose estimates are exact. Graph
/// and options as for `walk`. @throws as `walk`, and INVALID_VECTOR.
std::vector<Candidate> nearest(const std::shared_ptr<const Snapshot>& snapshot, const Coder& coder,
                               std::span<const float> query, std::size_t k, const GraphOptions& options,
                               const Bitmap* filter);

/// What a walk on exact scores is asked for; see `BoundOptions` for their meaning.
struct ExactOptions {
  std::size_t k = 10;
  std::size_t batch = 8;
  std::size_t cap = 1000;
};

struct ExactWalk {
  std::unique_ptr<Ranker> ranker;
  std::size_t scanned = 0;  ///< Nodes past the graph's end that were estimated.
};

/// Starts a walk on exact scores. Of nodes that the graph lacks the best `window` by estimate are recomputed first, all
/// of them if there are no estimates. Without a graph there is no walk, and every allowed node is recomputed. `scorer`
/// is kept.
/// @throws as `walk`.
ExactWalk exact_walk(const std::shared_ptr<const Snapshot>& snapshot, const Coder& coder,
                     std::shared_ptr<const Scorer> scorer, const GraphOptions& options, const ScanOptions& scan,
                     const ExactOptions& exact);

/// @throws Error INVALID_ARGUMENT for a coder without estimates.
void need_estimates(const Coder& coder, const char* mode);

}  // namespace embedless::index
