#include "index/scan.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <thread>

#include "base/parallel.h"

namespace embedless::index {

namespace {

constexpr std::size_t block_nodes = kernel::block_nodes;

/// What one thread needs to scan chunks of a snapshot into its own pool.
class alignas(128) Scanner {  // a cache line of its own: threads must not share the hot threshold
 public:
  Scanner(const Snapshot& snapshot, const Scorer& scorer, const ScanOptions& options, std::size_t pool)
      : snapshot_(snapshot),
        scorer_(scorer),
        options_(options),
        kernel_(kernel::active()),
        tables_(scorer.scan_query()),
        pool_(pool),
        row_(snapshot.layout().row_bytes) {}

  void scan_chunk(std::size_t chunk) {
    const std::size_t end = std::min(snapshot_.blocks(), (chunk + 1) * chunk_blocks);
    const std::size_t start = std::max(chunk * chunk_blocks, options_.first / block_nodes);
    exception_ = std::ranges::lower_bound(snapshot_.chunk(chunk).exceptions, start % chunk_blocks * block_nodes, {},
                                          &code::FactorException::row);
    exceptions_end_ = snapshot_.chunk(chunk).exceptions.end();
    for (std::size_t block = start; block < end; ++block) {
      base::check(options_.stop);
      std::uint64_t wanted = snapshot_.live_word(block);
      if (block == options_.first / block_nodes) wanted &= ~std::uint64_t{0} << (options_.first % block_nodes);
      if (options_.filter != nullptr) wanted &= options_.filter->word(block);
      scanned_ += static_cast<std::size_t>(std::popcount(wanted));
      wanted = offer_exceptions(block, wanted);
      if (wanted == 0) continue;
      if (snapshot_.layout().transposed)
        offer_transposed(block, wanted);
      else
        offer_rows(block, wanted);
    }
  }

  std::size_t scanned() const { return scanned_; }
  std::vector<Candidate> take() { return pool_.take(); }

 private:
  void offer_transposed(std::size_t block, std::uint64_t wanted) {
    float estimates[block_nodes];
    const kernel::BlockView view = snapshot_.layout().view(snapshot_.block(block));
    std::uint64_t hits = kernel_.scan_block(*tables_, view, pool_.threshold(), estimates) & wanted;
    for (; hits != 0; hits &= hits - 1) {
      const auto slot = static_cast<std::size_t>(std::countr_zero(hits));
      pool_.offer(estimates[slot], static_cast<std::uint32_t>(block * block_nodes + slot));
    }
  }

  void offer_rows(std::size_t block, std::uint64_t wanted) {
    const std::uint8_t* rows = snapshot_.block(block);
    const std::size_t stride = snapshot_.layout().stride();
    const bool split = snapshot_.layout().split_dims != 0;
    for (; wanted != 0; wanted &= wanted - 1) {
      const auto slot = static_cast<std::size_t>(std::countr_zero(wanted));
      const std::uint8_t* row = rows + slot * stride;
      if (split) snapshot_.layout().read(rows, slot, row_.data());
      const float estimate = ordered(scorer_.first_estimate(split ? row_.data() : row));
      if (estimate >= pool_.threshold()) pool_.offer(estimate, static_cast<std::uint32_t>(block * block_nodes + slot));
    }
  }

  /// Offers the block's wanted nodes that have exceptions, whose stored factors say nothing, and returns the others.
  std::uint64_t offer_exceptions(std::size_t block, std::uint64_t wanted) {
    const std::size_t first = block % chunk_blocks * block_nodes;
    while (exception_ != exceptions_end_ && exception_->row < first + block_nodes) {
      const std::size_t row = exception_->row;
      const auto from = exception_;
      while (exception_ != exceptions_end_ && exception_->row == row) ++exception_;
      const std::uint64_t bit = std::uint64_t{1} << (row - first);
      if ((wanted & bit) == 0) continue;
      wanted &= ~bit;
      snapshot_.layout().read(snapshot_.block(block), row - first, row_.data());
      const float estimate = ordered(scorer_.estimate(row_.data(), {from, exception_}));
      if (estimate >= pool_.threshold()) {
        pool_.offer(estimate, static_cast<std::uint32_t>(block * block_nodes + row - first));
      }
    }
    return wanted;
  }

  const Snapshot& snapshot_;
  const Scorer& scorer_;
  const ScanOptions& options_;
  const kernel::Table& kernel_;
  const kernel::ScanQuery* tables_;
  Pool pool_;
  std::vector<std::uint8_t> row_;
  std::vector<code::FactorException>::const_iterator exception_;
  std::vector<code::FactorException>::const_iterator exceptions_end_;
  std::size_t scanned_ = 0;
};

}  // namespace

unsigned threads_for(const Snapshot& snapshot, unsigned asked) {
  if (snapshot.count() < threaded_codes) return 1;
  const unsigned most = asked != 0 ? asked : std::max(1u, std::thread::hardware_concurrency());
  return static_cast<unsigned>(std::min<std::size_t>(most, snapshot.chunks()));
}

ScanResult scan(const Snapshot& snapshot, const Scorer& scorer, const ScanOptions& options) {
  if (options.first >= snapshot.count()) return {};
  const std::size_t capacity = std::min(options.pool, snapshot.count() - options.first);
  const unsigned threads = threads_for(snapshot, options.threads);
  std::vector<Scanner> scanners;
  scanners.reserve(threads);
  for (unsigned i = 0; i < threads; ++i) scanners.emplace_back(snapshot, scorer, options, capacity);

  std::atomic<std::size_t> next = options.first / chunk_nodes;
  base::parallel_for(threads, threads, [&](std::size_t i) {
    for (std::size_t chunk = next++; chunk < snapshot.chunks(); chunk = next++) scanners[i].scan_chunk(chunk);
  });

  // Each pool holds the best of its part, so their union holds the best of all, however the chunks were dealt out.
  ScanResult result;
  for (Scanner& scanner : scanners) {
    const auto part = scanner.take();
    result.best.insert(result.best.end(), part.begin(), part.end());
    result.scanned += scanner.scanned();
  }
  if (result.best.size() > capacity) {
    const auto last = result.best.begin() + static_cast<std::ptrdiff_t>(capacity);
    std::nth_element(result.best.begin(), last, result.best.end(), better);
    result.best.resize(capacity);
  }
  return result;
}

std::vector<Estimated> estimate_again(const Snapshot& snapshot, const Scorer& scorer,
                                      const std::vector<Candidate>& candidates, const base::StopFlag* stop) {
  std::vector<Estimated> all;
  all.reserve(candidates.size());
  std::vector<std::uint8_t> row(snapshot.layout().row_bytes);
  for (const Candidate& candidate : candidates) {
    base::check(stop);
    snapshot.read_row(candidate.node, row.data());
    const auto exceptions = snapshot.exceptions_of(candidate.node);
    const float sigma = scorer.sigma(row.data(), exceptions);
    all.push_back({.node = candidate.node,
                   .estimate = ordered(scorer.estimate(row.data(), exceptions)),
                   .sigma = std::isfinite(sigma) ? sigma : 0.0f});
  }
  std::sort(all.begin(), all.end(),
            [](const Estimated& a, const Estimated& b) { return better({a.estimate, a.node}, {b.estimate, b.node}); });
  return all;
}

}  // namespace embedless::index
