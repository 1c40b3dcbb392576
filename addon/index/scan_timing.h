#pragma once

#include <cstddef>
#include <span>

#include "code/stop.h"
#include "index/code_store.h"

namespace embedless::index {

/// Nanoseconds a vector, each the best of its rounds.
struct ScanTiming {
  double scan_ns;  ///< Sums, factors and the selection of the best `pool`.
  double read_ns;  ///< Adding up the same bytes as 64-bit words.
};

/// Times the scan of a snapshot by one thread, without filter, in rounds that alternate with a plain read of exactly
/// the bytes that the scan reads (codes, s and a of every block). Throws Stopped.
ScanTiming time_scan(const Snapshot& snapshot, const Coder& coder, std::span<const float> query, std::size_t pool,
                     std::size_t rounds, const code::StopFlag* stop);

}  // namespace embedless::index
