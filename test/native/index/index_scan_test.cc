// The scan against brute force on the same estimates: live bits, filters, ties, exceptions, threads, instruction sets.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "index/corpus.h"
#include "index/scan.h"
#include "kernel/kernel.h"

namespace {

using corpus::CodeStore;
using corpus::Encoded;
using corpus::random_rows;
using embedless::index::better;
using embedless::index::Bitmap;
using embedless::index::Candidate;
using embedless::index::scan;
using embedless::index::ScanOptions;
using embedless::index::Scorer;
using embedless::index::Snapshot;

/// The u8 estimate of one node, computed from its row by the formula alone.
float table_estimate(const Snapshot& snapshot, const embedless::kernel::ScanQuery& query, std::uint32_t node) {
  float estimates[embedless::kernel::block_nodes];
  const auto view = snapshot.layout().view(snapshot.block(node / 64));
  embedless::kernel::tables().front()->scan_block(query, view, -std::numeric_limits<float>::infinity(), estimates);
  return estimates[node % 64];
}

/// Every live node that passes, estimated one at a time and sorted.
std::vector<Candidate> brute_force(const Snapshot& snapshot, const Scorer& scorer, const Bitmap* filter) {
  std::vector<Candidate> all;
  std::vector<std::uint8_t> row(snapshot.layout().row_bytes);
  for (std::uint32_t node = 0; node < snapshot.count(); ++node) {
    const std::uint64_t passes = snapshot.live_word(node / 64) & (filter ? filter->word(node / 64) : ~std::uint64_t{0});
    if (((passes >> (node % 64)) & 1) == 0) continue;
    snapshot.read_row(node, row.data());
    const auto exceptions = snapshot.exceptions_of(node);
    float estimate = 0;
    if (!snapshot.layout().transposed)
      estimate = scorer.first_estimate(row.data());
    else if (exceptions.empty())
      estimate = table_estimate(snapshot, *scorer.scan_query(), node);
    else
      estimate = scorer.estimate(row.data(), exceptions);
    all.push_back({estimate, node});
  }
  std::ranges::sort(all, better);
  return all;
}

std::vector<Candidate> sorted(std::vector<Candidate> candidates) {
  std::ranges::sort(candidates, better);
  return candidates;
}

void expect_best(const std::vector<Candidate>& found, const std::vector<Candidate>& all, std::size_t pool) {
  ASSERT_EQ(found.size(), std::min(pool, all.size()));
  for (std::size_t i = 0; i < found.size(); ++i) {
    ASSERT_EQ(found[i].node, all[i].node) << "rank " << i;
    ASSERT_EQ(found[i].estimate, all[i].estimate) << "rank " << i;
  }
}

std::vector<std::uint8_t> random_filter(std::size_t n, double share, unsigned seed) {
  std::mt19937 random(seed);
  std::bernoulli_distribution passes(share);
  std::vector<std::uint8_t> bytes((n + 7) / 8);
  for (std::size_t i = 0; i < n; ++i) bytes[i / 8] |= static_cast<std::uint8_t>(passes(random) << (i % 8));
  return bytes;
}

std::unique_ptr<CodeStore> filled(std::shared_ptr<const embedless::index::Coder> coder, std::size_t n, unsigned seed,
                                  double dead_share = 0.1) {
  auto store = std::make_unique<CodeStore>(coder);
  std::mt19937 random(seed);
  for (std::size_t done = 0; done < n; done += std::min<std::size_t>(n - done, 50'000)) {
    const Encoded rows =
        random_rows(*coder, std::min<std::size_t>(n - done, 50'000), seed + static_cast<unsigned>(done));
    store->publish({.rows = rows.rows, .exceptions = rows.exceptions, .dead = {}});
  }
  std::vector<std::uint32_t> dead;
  for (std::uint32_t node = 0; node < n; ++node) {
    if (std::bernoulli_distribution(dead_share)(random)) dead.push_back(node);
  }
  store->publish({.rows = {}, .exceptions = {}, .dead = dead});
  return store;
}

TEST(IndexScan, FindsWhatBruteForceFinds) {
  for (const auto& coder : corpus::coders()) {
    for (const std::size_t n : {0, 1, 63, 64, 65, 4095, 4096, 4097, 9000}) {
      SCOPED_TRACE(std::string(coder->kind()) + " " + std::to_string(n));
      const auto store = filled(coder, n, 20);
      const auto snapshot = store->snapshot();
      const auto scorer = coder->prepare(corpus::vectors(1, 77));
      const auto all = brute_force(*snapshot, *scorer, nullptr);
      for (const std::size_t pool : {1, 10, 400, 100'000}) {
        const auto result = scan(*snapshot, *scorer, {.pool = pool});
        expect_best(sorted(result.best), all, pool);
        EXPECT_EQ(result.scanned, all.size());
      }
    }
  }
}

TEST(IndexScan, FiltersAtEverySelectivity) {
  for (const auto& coder : corpus::coders()) {
    const auto store = filled(coder, 9000, 21);
    const auto snapshot = store->snapshot();
    const auto scorer = coder->prepare(corpus::vectors(1, 78));
    for (const double share : {0.0, 0.0005, 0.01, 0.3, 0.99, 1.0}) {
      SCOPED_TRACE(std::string(coder->kind()) + " " + std::to_string(share));
      const Bitmap filter(random_filter(9000, share, 5));
      const auto all = brute_force(*snapshot, *scorer, &filter);
      const auto result = scan(*snapshot, *scorer, {.pool = 100, .filter = &filter});
      expect_best(sorted(result.best), all, 100);
      EXPECT_EQ(result.scanned, all.size());
    }
  }
}

TEST(IndexScan, NodesPastTheEndOfAFilterDoNotPassAndBitsPastTheCountDoNotMatter) {
  const auto coder = corpus::codebook(corpus::Metric::cosine);
  const auto store = filled(coder, 200, 22, 0);
  const auto scorer = coder->prepare(corpus::vectors(1, 79));
  const Bitmap shorter(std::vector<std::uint8_t>(9, 0xff));
  EXPECT_EQ(scan(*store->snapshot(), *scorer, {.pool = 400, .filter = &shorter}).scanned, 72u);
  const Bitmap longer(std::vector<std::uint8_t>(1000, 0xff));
  EXPECT_EQ(scan(*store->snapshot(), *scorer, {.pool = 400, .filter = &longer}).best.size(), 200u);
}

TEST(IndexScan, TiesGoToTheLowerNode) {
  for (const auto& coder : corpus::coders()) {
    const Encoded one = random_rows(*coder, 1, 30);
    Encoded same;
    for (int i = 0; i < 6000; ++i) same.rows.insert(same.rows.end(), one.rows.begin(), one.rows.end());
    CodeStore store(coder);
    store.publish({.rows = same.rows, .exceptions = {}, .dead = {}});
    const auto scorer = coder->prepare(corpus::vectors(1, 80));
    const auto best = sorted(scan(*store.snapshot(), *scorer, {.pool = 70}).best);
    for (std::uint32_t i = 0; i < 70; ++i) ASSERT_EQ(best[i].node, i) << coder->kind();
  }
}

TEST(IndexScan, ThreadsChangeNothing) {
  for (const auto& coder : corpus::coders()) {
    const auto store = filled(coder, 130'000, 23);
    const auto snapshot = store->snapshot();
    const auto scorer = coder->prepare(corpus::vectors(1, 81));
    const auto one = scan(*snapshot, *scorer, {.pool = 500, .threads = 1});
    const auto best = sorted(one.best);
    for (const unsigned threads : {0u, 2u, 3u, 4u, 64u}) {
      const auto more = scan(*snapshot, *scorer, {.pool = 500, .threads = threads});
      expect_best(sorted(more.best), best, 500);
      EXPECT_EQ(more.scanned, one.scanned);
    }
  }
}

TEST(IndexScan, InstructionSetsChangeNothing) {
  for (const auto& coder : corpus::coders()) {
    if (!coder->layout().transposed) continue;
    const auto store = filled(coder, 5000, 24);
    const auto scorer = coder->prepare(corpus::vectors(1, 82));
    const auto all = brute_force(*store->snapshot(), *scorer, nullptr);
    for (const auto* table : embedless::kernel::tables()) {
      if (!embedless::kernel::force(table->name)) continue;
      SCOPED_TRACE(table->name);
      // Nodes with exceptions are estimated with the tables of the query alone, so every estimate is bit for bit the
      // same.
      expect_best(sorted(scan(*store->snapshot(), *scorer, {.pool = 300}).best), all, 300);
    }
    embedless::kernel::force("");
  }
}

TEST(IndexScan, StopsWhenTold) {
  const auto coder = corpus::codebook(corpus::Metric::cosine);
  const auto store = filled(coder, 1000, 25);
  const auto scorer = coder->prepare(corpus::vectors(1, 83));
  embedless::base::StopFlag stop;
  EXPECT_NO_THROW(scan(*store->snapshot(), *scorer, {.stop = &stop}));
  stop.stop();
  EXPECT_THROW(scan(*store->snapshot(), *scorer, {.stop = &stop}), embedless::base::Stopped);
}

TEST(IndexScan, EstimatesAgainInOrderWithTheExceptions) {
  for (const auto& coder : corpus::coders()) {
    const auto store = filled(coder, 3000, 26);
    const auto snapshot = store->snapshot();
    const auto scorer = coder->prepare(corpus::vectors(1, 84));
    const auto found = scan(*snapshot, *scorer, {.pool = 200});
    const auto again = estimate_again(*snapshot, *scorer, found.best, nullptr);
    ASSERT_EQ(again.size(), 200u);
    std::vector<std::uint8_t> row(snapshot->layout().row_bytes);
    for (std::size_t i = 0; i < again.size(); ++i) {
      snapshot->read_row(again[i].node, row.data());
      const auto exceptions = snapshot->exceptions_of(again[i].node);
      EXPECT_EQ(again[i].estimate, scorer->estimate(row.data(), exceptions));
      EXPECT_EQ(again[i].sigma, scorer->sigma(row.data(), exceptions));
      if (i > 0) {
        EXPECT_TRUE(better({again[i - 1].estimate, again[i - 1].node}, {again[i].estimate, again[i].node}));
      }
    }
  }
}

TEST(IndexScan, DamagedRowsBreakNothing) {
  for (const auto& coder : corpus::coders()) {
    // All bits set: NaN as float16 and as float32.
    const std::vector<std::uint8_t> rows(300 * coder->layout().row_bytes, 0xff);
    CodeStore store(coder);
    store.publish({.rows = rows, .exceptions = {}, .dead = {}});
    const auto scorer = coder->prepare(corpus::vectors(1, 85));
    const auto found = scan(*store.snapshot(), *scorer, {.pool = 50});
    for (const auto& candidate : estimate_again(*store.snapshot(), *scorer, found.best, nullptr)) {
      EXPECT_FALSE(std::isnan(candidate.estimate));
      EXPECT_TRUE(std::isfinite(candidate.sigma));
    }
  }
}

}  // namespace
