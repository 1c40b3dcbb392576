#include "index/scan_timing.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>

#include "base/parallel.h"
#include "index/scan.h"

namespace embedless::index {

namespace {

/// Adds up a block's words in four chains, as many as keep the loads busy. The length is a multiple of 64.
std::uint64_t sum_words(const std::uint8_t* bytes, std::size_t length) {
  std::uint64_t sums[4] = {};
  for (std::size_t i = 0; i < length; i += sizeof sums) {
    std::uint64_t words[4];
    std::memcpy(words, bytes + i, sizeof words);
    for (std::size_t j = 0; j < 4; ++j) sums[j] += words[j];
  }
  return sums[0] + sums[1] + sums[2] + sums[3];
}

std::uint64_t read_chunk(const Snapshot& snapshot, std::size_t chunk, const base::StopFlag* stop) {
  const std::size_t length = snapshot.layout().scanned_bytes();
  const std::size_t end = std::min(snapshot.blocks(), (chunk + 1) * chunk_blocks);
  std::uint64_t sum = 0;
  for (std::size_t block = chunk * chunk_blocks; block < end; ++block) {
    base::check(stop);
    sum += sum_words(snapshot.block(block), length);
  }
  return sum;
}

/// Reads chunks in the order in which the scan's threads take them.
std::uint64_t read_all(const Snapshot& snapshot, unsigned threads, const base::StopFlag* stop) {
  std::atomic<std::uint64_t> sum = 0;
  base::parallel_for(threads, snapshot.chunks(), [&](std::size_t chunk) { sum += read_chunk(snapshot, chunk, stop); });
  return sum;
}

template <class F>
double nanoseconds(F f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

ScanTiming time_scan(const Snapshot& snapshot, const Coder& coder, std::span<const float> query,
                     const ScanTimingOptions& options) {
  const ScanOptions scanning{.pool = options.pool, .threads = options.threads, .stop = options.stop};
  const unsigned threads = threads_for(snapshot, options.threads);
  const double nodes = std::max(1.0, static_cast<double>(snapshot.count()));
  constexpr double never = std::numeric_limits<double>::infinity();
  ScanTiming best{.scan_ns = never, .read_ns = never, .prepare_ns = never};
  volatile std::uint64_t sink = 0;  // keeps the reads from being optimised away
  for (std::size_t round = 0; round < options.rounds; ++round) {
    std::unique_ptr<const Scorer> scorer;
    best.prepare_ns = std::min(best.prepare_ns, nanoseconds([&] { scorer = coder.prepare(query); }));
    best.read_ns =
        std::min(best.read_ns, nanoseconds([&] { sink = sink + read_all(snapshot, threads, options.stop); }) / nodes);
    best.scan_ns = std::min(best.scan_ns, nanoseconds([&] { scan(snapshot, *scorer, scanning); }) / nodes);
  }
  return best;
}

}  // namespace embedless::index
