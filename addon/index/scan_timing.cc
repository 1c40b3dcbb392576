#include "index/scan_timing.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <limits>

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

std::uint64_t read_all(const Snapshot& snapshot, const code::StopFlag* stop) {
  const std::size_t length = snapshot.layout().scanned_bytes();
  std::uint64_t sum = 0;
  for (std::size_t block = 0; block < snapshot.blocks(); ++block) {
    code::check(stop);
    sum += sum_words(snapshot.block(block), length);
  }
  return sum;
}

template <class F>
double nanoseconds(F f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

ScanTiming time_scan(const Snapshot& snapshot, const Coder& coder, std::span<const float> query, std::size_t pool,
                     std::size_t rounds, const code::StopFlag* stop) {
  const auto scorer = coder.prepare(query);
  const double nodes = std::max(1.0, static_cast<double>(snapshot.count()));
  constexpr double never = std::numeric_limits<double>::infinity();
  ScanTiming best{.scan_ns = never, .read_ns = never};
  volatile std::uint64_t sink = 0;  // keeps the reads from being optimised away
  for (std::size_t round = 0; round < rounds; ++round) {
    best.read_ns = std::min(best.read_ns, nanoseconds([&] { sink = sink + read_all(snapshot, stop); }) / nodes);
    const ScanOptions options{.pool = pool, .threads = 1, .stop = stop};
    best.scan_ns = std::min(best.scan_ns, nanoseconds([&] { scan(snapshot, *scorer, options); }) / nodes);
  }
  return best;
}

}  // namespace embedless::index
