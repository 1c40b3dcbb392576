#include "index/search_session.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.h"
#include "index/graph_search.h"
#include "index/scan.h"
#include "index/score.h"

namespace embedless::index {

namespace {

[[noreturn]] void refuse(const std::string& expected, std::uint32_t node) {
  throw base::Error("INVALID_VECTOR", "Expected " + expected + " as the vector of node " + std::to_string(node) + ".");
}

}  // namespace

SearchSession SearchSession::start(const std::shared_ptr<const Snapshot>& snapshot, const Coder& coder,
                                   std::vector<float> query, const SearchOptions& options) {
  std::shared_ptr<const Scorer> scorer = coder.prepare(query);
  const ScanOptions scanning{
      .pool = options.pool, .filter = options.filter, .threads = options.threads, .stop = options.stop};
  const SearchMode mode = options.graph.mode;
  const RerankOptions& rerank = options.rerank;
  if (mode == SearchMode::exact || mode == SearchMode::two_level) {
    auto walking = exact_walk(snapshot, coder, std::move(scorer), options.graph, scanning,
                              {.k = rerank.k, .batch = options.batch, .cap = rerank.cap});
    return {std::move(query), coder.metric(), walking.scanned, std::move(walking.ranker)};
  }
  need_estimates(coder, mode == SearchMode::scan ? "scan" : "guided");
  const ScanResult found = mode == SearchMode::scan ? scan(*snapshot, *scorer, scanning)
                                                    : walk(snapshot, coder, *scorer, query, options.graph, scanning);
  auto candidates = estimate_again(*snapshot, *scorer, found.best, options.stop);
  if (candidates.size() > options.pool) candidates.resize(options.pool);
  return {std::move(query), coder.metric(), found.scanned, std::make_unique<Rerank>(candidates, rerank)};
}

void SearchSession::feed(std::span<const std::uint32_t> nodes, std::span<const float> vectors,
                         std::span<const std::uint32_t> missing) {
  if (vectors.size() != nodes.size() * dims()) {
    throw base::Error("INVALID_ARGUMENT", "Expected vectors of " + std::to_string(nodes.size() * dims()) +
                                              " numbers in all, but received " + std::to_string(vectors.size()) + ".");
  }
  std::vector<double> scores;
  scores.reserve(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const auto vector = vectors.subspan(i * dims(), dims());
    if (metric_ == base::Metric::cosine && std::ranges::all_of(vector, [](float value) { return value == 0; })) {
      refuse("a vector other than zero for cosine", nodes[i]);
    }
    const double exact = score(metric_, query_.data(), vector.data(), dims());
    // Sums of finite floats in double stay finite, so anything else came from the vector.
    if (!std::isfinite(exact)) {
      refuse("finite numbers", nodes[i]);
    }
    scores.push_back(exact);
  }
  ranker_->feed(nodes, scores, missing);
}

}  // namespace embedless::index
