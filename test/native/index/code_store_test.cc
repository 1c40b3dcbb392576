// The store of codes against a plain one: every way of growing, dead nodes, exceptions, old snapshots, refusals.

#include "index/code_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <limits>
#include <string>
#include <utility>

#include "base/error.h"
#include "graph/pages.h"
#include "index/corpus.h"

namespace {

using corpus::codebook;
using corpus::CodeStore;
using corpus::Encoded;
using corpus::expect_same;
using corpus::Metric;
using corpus::PlainStore;
using corpus::random_rows;
using embedless::index::Publication;

const std::size_t sizes[] = {0, 1, 63, 64, 65, 127, 4095, 4096, 4097, 8192, 8193};

Publication appending(const Encoded& rows) { return {.rows = rows.rows, .exceptions = rows.exceptions, .dead = {}}; }

std::string failure_of(CodeStore& store, const Publication& change) {
  try {
    store.publish(change);
  } catch (const embedless::base::Error& error) {
    return error.code;
  }
  return "none";
}

TEST(CodeStore, HoldsWhatWasPublishedAtOnce) {
  for (const auto& coder : corpus::coders()) {
    for (const std::size_t n : sizes) {
      SCOPED_TRACE(std::string(coder->kind()) + " " + std::to_string(n));
      const Encoded rows = random_rows(*coder, n, 3);
      CodeStore store(coder);
      PlainStore plain(*coder);
      store.publish(appending(rows));
      plain.append(rows);
      expect_same(*store.snapshot(), plain);
    }
  }
}

TEST(CodeStore, HoldsWhatWasPublishedInPieces) {
  for (const auto& coder : corpus::coders()) {
    CodeStore store(coder);
    PlainStore plain(*coder);
    unsigned seed = 10;
    for (const std::size_t n : {1, 62, 1, 1, 63, 64, 65, 0, 3839, 1, 4096, 4097, 130}) {
      const Encoded rows = random_rows(*coder, n, ++seed);
      store.publish(appending(rows));
      plain.append(rows);
    }
    expect_same(*store.snapshot(), plain);
  }
}

TEST(CodeStore, OldSnapshotsStayAsTheyWere) {
  const auto coder = codebook(Metric::cosine);
  CodeStore store(coder);
  PlainStore plain(*coder);
  std::vector<std::pair<std::shared_ptr<const embedless::index::Snapshot>, PlainStore>> history;
  std::mt19937 random(5);
  for (unsigned step = 0; step < 120; ++step) {
    history.emplace_back(store.snapshot(), plain);
    const Encoded rows = random_rows(*coder, random() % 90, 100 + step);
    plain.append(rows);
    std::vector<std::uint32_t> dead;
    for (std::size_t i = 0; i < 5 && !plain.rows.empty(); ++i) {
      dead.push_back(static_cast<std::uint32_t>(random() % plain.rows.size()));
      plain.live[dead.back()] = false;
    }
    store.publish({.rows = rows.rows, .exceptions = rows.exceptions, .dead = dead});
  }
  history.emplace_back(store.snapshot(), plain);
  ASSERT_GT(plain.rows.size(), embedless::index::chunk_nodes);
  for (std::size_t i = 0; i < history.size(); i += 10) expect_same(*history[i].first, history[i].second);
}

TEST(CodeStore, KillsNewAndOldNodesOnce) {
  const auto coder = codebook(Metric::l2);
  CodeStore store(coder);
  const Encoded rows = random_rows(*coder, 4097, 7);
  const std::vector<std::uint32_t> first{0, 63, 64, 4095, 4096, 4096};
  store.publish({.rows = rows.rows, .exceptions = rows.exceptions, .dead = first});
  EXPECT_EQ(store.snapshot()->live(), 4092u);
  const std::vector<std::uint32_t> again{64, 65};
  store.publish({.rows = {}, .exceptions = {}, .dead = again});
  EXPECT_EQ(store.snapshot()->live(), 4091u);
  EXPECT_EQ(store.snapshot()->live_word(1), ~std::uint64_t{3});
  EXPECT_EQ(store.snapshot()->live_word(64), 0u);
}

TEST(CodeStore, RefusesBadPublicationsAndStaysAsItWas) {
  const auto coder = codebook(Metric::cosine);
  CodeStore store(coder);
  PlainStore plain(*coder);
  const Encoded rows = random_rows(*coder, 70, 8);
  store.publish(appending(rows));
  plain.append(rows);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<std::uint32_t> dead{0, 140};
  const auto with = [&](std::vector<corpus::FactorException> exceptions) {
    return failure_of(store, {.rows = rows.rows, .exceptions = exceptions, .dead = {}});
  };

  EXPECT_EQ(failure_of(store, {.rows = std::span(rows.rows).subspan(1), .exceptions = {}, .dead = {}}),
            "INVALID_ARGUMENT");
  EXPECT_EQ(failure_of(store, {.rows = rows.rows, .exceptions = {}, .dead = dead}), "INVALID_ARGUMENT");
  EXPECT_EQ(with({{70, 0, 0, 1}}), "INVALID_ARGUMENT");
  EXPECT_EQ(with({{0, 3, 0, 1}}), "INVALID_ARGUMENT");
  EXPECT_EQ(with({{0, 0, 1, 1}}), "INVALID_ARGUMENT");
  EXPECT_EQ(with({{0, 0, 0, nan}}), "INVALID_ARGUMENT");
  EXPECT_EQ(with({{5, 0, 0, 1}, {4, 0, 0, 1}}), "INVALID_ARGUMENT");
  const std::vector<std::uint8_t> many(65537 * coder->layout().row_bytes);
  EXPECT_EQ(failure_of(store, {.rows = many, .exceptions = {}, .dead = {}}), "LIMIT");
  expect_same(*store.snapshot(), plain);
}

TEST(CodeStore, TakesAsManyRowsAtOnceAsAnExceptionCanName) {
  const auto coder = codebook(Metric::cosine);
  const std::vector<std::uint8_t> rows(65536 * coder->layout().row_bytes, 7);
  const std::vector<corpus::FactorException> last{{65535, 2, 0, 4.5f}};
  CodeStore store(coder);
  store.publish({.rows = rows, .exceptions = last, .dead = {}});
  ASSERT_EQ(store.snapshot()->count(), 65536u);
  EXPECT_EQ(store.snapshot()->exceptions_of(65535).front().value, 4.5f);
  EXPECT_TRUE(store.snapshot()->exceptions_of(65534).empty());
}

TEST(CodeStore, LargeStoresLieInSlabsOfWholeHugePages) {
  using embedless::graph::huge_page;
  for (const auto& coder : corpus::coders()) {
    SCOPED_TRACE(coder->kind());
    const auto& layout = coder->layout();
    const std::size_t chunk_bytes = layout.chunk_bytes();
    const std::size_t chunks = 3 * huge_page / chunk_bytes + 3;
    const Encoded rows = random_rows(*coder, embedless::index::chunk_nodes, 11);
    CodeStore store(coder);
    while (store.snapshot()->chunks() < chunks) {
      const auto before = store.snapshot();
      const std::vector<std::uint32_t> unknown{static_cast<std::uint32_t>(before->count() + rows.rows.size())};
      ASSERT_EQ(failure_of(store, {.rows = rows.rows, .exceptions = {}, .dead = unknown}), "INVALID_ARGUMENT");
      ASSERT_EQ(store.snapshot()->memory_bytes(), before->memory_bytes());
      store.publish({.rows = rows.rows, .exceptions = {}, .dead = {}});
      ASSERT_EQ(before->chunks() + 1, store.snapshot()->chunks());
    }
    const auto snapshot = store.snapshot();
    const auto place = [&](std::size_t chunk) { return snapshot->block(chunk * embedless::index::chunk_blocks); };
    std::size_t slabs = 0;
    for (std::size_t i = 0; i < snapshot->chunks(); ++i) {
      const bool begins = reinterpret_cast<std::uintptr_t>(place(i)) % huge_page == 0;
      if (begins)
        ++slabs;
      else
        EXPECT_EQ(place(i), place(i - 1) + chunk_bytes) << "chunk " << i;
    }
    EXPECT_GE(slabs, 2u);
    std::vector<std::uint8_t> row(layout.row_bytes);
    for (std::size_t node = 0; node < snapshot->count(); node += 997) {
      snapshot->read_row(static_cast<std::uint32_t>(node), row.data());
      const std::size_t at = node % embedless::index::chunk_nodes * layout.row_bytes;
      ASSERT_TRUE(std::equal(row.begin(), row.end(), rows.rows.begin() + static_cast<std::ptrdiff_t>(at))) << node;
    }
  }
}

#if defined(__linux__)

/// Bytes of the mapping around an address that lie on huge pages, or are advised to: all of them.
std::size_t huge_bytes_at(const std::uint8_t* place) {
  std::ifstream maps("/proc/self/smaps");
  const auto wanted = reinterpret_cast<std::uintptr_t>(place);
  bool inside = false;
  std::size_t huge = 0;
  std::size_t size = 0;
  for (std::string line; std::getline(maps, line);) {
    unsigned long long from = 0;
    unsigned long long to = 0;
    unsigned long long kilobytes = 0;
    if (std::sscanf(line.c_str(), "%llx-%llx ", &from, &to) == 2) {
      inside = from <= wanted && wanted < to;
      if (inside) size = to - from;
    } else if (inside && std::sscanf(line.c_str(), "AnonHugePages: %llu kB", &kilobytes) == 1) {
      huge = kilobytes * 1024;
    } else if (inside && line.starts_with("VmFlags:") && line.find(" hg") != std::string::npos) {
      return size;
    }
  }
  return huge;
}

TEST(CodeStore, FullSlabsLieOnHugePagesWhereTheSystemHasThem) {
  std::ifstream setting("/sys/kernel/mm/transparent_hugepage/enabled");
  std::string modes;
  if (!std::getline(setting, modes) || modes.find("[never]") != std::string::npos) {
    GTEST_SKIP() << "this system has no transparent huge pages";
  }
  using embedless::graph::huge_page;
  for (const auto& coder : corpus::coders()) {
    SCOPED_TRACE(coder->kind());
    const Encoded rows = random_rows(*coder, embedless::index::chunk_nodes, 12);
    const std::size_t chunks = 4 * huge_page / coder->layout().chunk_bytes() + 3;
    CodeStore store(coder);
    while (store.snapshot()->chunks() < chunks) store.publish({.rows = rows.rows, .exceptions = {}, .dead = {}});
    EXPECT_GE(huge_bytes_at(store.snapshot()->block(0)), huge_page);
  }
}

#endif

TEST(CodeStore, TakesLittleMoreMemoryThanTheCodes) {
  for (const auto& coder : corpus::coders()) {
    CodeStore store(coder);
    const Encoded rows = random_rows(*coder, 60, 9);
    Encoded plain{.rows = rows.rows, .exceptions = {}};
    while (store.snapshot()->count() < 40'000) store.publish(appending(plain));
    const double codes = static_cast<double>(store.snapshot()->count() * coder->layout().row_bytes);
    EXPECT_LT(static_cast<double>(store.snapshot()->memory_bytes()), 1.2 * codes) << coder->kind();
  }
}

}  // namespace
