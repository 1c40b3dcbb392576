// Searching threads against an appender and a deleter: every snapshot is one that a publication made. Clean under TSan.

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "index/corpus.h"
#include "index/search_session.h"

namespace {

using corpus::CodeStore;
using corpus::Encoded;
using corpus::Metric;
using embedless::index::scan;
using embedless::index::Snapshot;

/// The appender publishes `step` rows at once, each publication killing one of its own rows; so in every snapshot
/// count is a multiple of `step`, and as many nodes of the appender are dead as there were publications.
constexpr std::size_t step = 37;

void check_consistent(const Snapshot& snapshot, const std::vector<std::uint8_t>& pattern) {
  ASSERT_EQ(snapshot.count() % step, 0u);
  std::vector<std::uint8_t> row(snapshot.layout().row_bytes);
  for (std::uint32_t first = 0; first < snapshot.count(); first += step) {
    const std::uint64_t word = snapshot.live_word(first / 64);
    ASSERT_EQ((word >> (first % 64)) & 1, 0u) << "appended without the kill that came with it";
  }
  for (const std::uint32_t node : {std::size_t{0}, snapshot.count() / 2, snapshot.count() - 1}) {
    if (snapshot.count() == 0) break;
    snapshot.read_row(static_cast<std::uint32_t>(node), row.data());
    const auto expected = std::span(pattern).subspan(node % step * row.size(), row.size());
    ASSERT_TRUE(std::ranges::equal(row, expected)) << "node " << node;
  }
}

class StoreConcurrency : public testing::TestWithParam<const char*> {};

TEST_P(StoreConcurrency, SearchesSeeWholePublications) {
  const auto coder = std::string(GetParam()) == "pq" ? corpus::codebook(Metric::cosine)
                                                     : embedless::index::vector_coder(embedless::code::VectorForm::int8,
                                                                                      corpus::dims, Metric::cosine);
  const Encoded rows = corpus::random_rows(*coder, step, 60);
  CodeStore store(coder);
  std::atomic<bool> done = false;

  std::thread appender([&] {
    for (std::uint32_t i = 0; i < 300; ++i) {
      const std::vector<std::uint32_t> dead{static_cast<std::uint32_t>(i * step)};
      store.publish({.rows = rows.rows, .exceptions = rows.exceptions, .dead = dead});
    }
    done = true;
  });
  std::thread deleter([&] {
    for (std::uint32_t i = 0; !done; ++i) {
      const std::size_t count = store.snapshot()->count();
      if (count == 0) continue;
      const std::vector<std::uint32_t> dead{static_cast<std::uint32_t>(i * 7919 % count)};
      store.publish({.rows = {}, .exceptions = {}, .dead = dead});
    }
  });
  std::vector<std::thread> searchers;
  for (unsigned seed = 0; seed < 3; ++seed) {
    searchers.emplace_back([&, seed] {
      const auto query = corpus::vectors(1, seed);
      do {
        const auto snapshot = store.snapshot();
        check_consistent(*snapshot, rows.rows);
        auto session = embedless::index::SearchSession::start(snapshot, *coder, query, {});
        ASSERT_EQ(session.scanned(), snapshot->live());
        for (const std::uint32_t node : session.ranker().wants()) {
          ASSERT_LT(node, snapshot->count());
          ASSERT_EQ((snapshot->live_word(node / 64) >> (node % 64)) & 1, 1u);
        }
      } while (!done);
    });
  }
  appender.join();
  deleter.join();
  for (auto& searcher : searchers) searcher.join();
  EXPECT_EQ(store.snapshot()->count(), 300 * step);
}

INSTANTIATE_TEST_SUITE_P(Kinds, StoreConcurrency, testing::Values("pq", "int8"),
                         [](const auto& info) { return std::string(info.param); });

TEST(ScanConcurrency, ThreadedScansBesideAnAppender) {
  const auto coder = corpus::codebook(Metric::l2);
  const Encoded rows = corpus::random_rows(*coder, 10'000, 61);
  CodeStore store(coder);
  for (int i = 0; i < 11; ++i) store.publish({.rows = rows.rows, .exceptions = rows.exceptions, .dead = {}});
  std::atomic<bool> done = false;
  std::thread appender([&] {
    const auto tail = std::span(rows.rows).first(5 * coder->layout().row_bytes);
    while (!done) store.publish({.rows = tail, .exceptions = {}, .dead = {}});
  });
  const auto scorer = coder->prepare(corpus::vectors(1, 62));
  for (int round = 0; round < 5; ++round) {
    const auto snapshot = store.snapshot();
    const auto result = scan(*snapshot, *scorer, {.pool = 100, .threads = 4});
    EXPECT_EQ(result.scanned, snapshot->count());
    EXPECT_EQ(result.best.size(), 100u);
  }
  done = true;
  appender.join();
}

TEST(StopConcurrency, AScanEndsWhenAnotherThreadStopsIt) {
  const auto coder = corpus::codebook(Metric::cosine);
  const Encoded rows = corpus::random_rows(*coder, 20'000, 63);
  CodeStore store(coder);
  store.publish({.rows = rows.rows, .exceptions = rows.exceptions, .dead = {}});
  const auto snapshot = store.snapshot();
  const auto scorer = coder->prepare(corpus::vectors(1, 64));
  embedless::base::StopFlag stop;
  std::thread stopper([&] { stop.stop(); });
  const auto scan_until_stopped = [&] {
    for (;;) scan(*snapshot, *scorer, {.pool = 100, .stop = &stop});
  };
  EXPECT_THROW(scan_until_stopped(), embedless::base::Stopped);
  stopper.join();
}

}  // namespace
