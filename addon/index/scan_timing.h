#pragma once

#include <cstddef>
#include <span>

#include "base/stop.h"
#include "index/code_store.h"

namespace embedless::index {

/// Nanoseconds, each the best of its rounds.
struct ScanTiming {
  double scan_ns;     ///< A vector: sums, factors and the selection of the best `pool`.
  double read_ns;     ///< A vector: adding up the same bytes as 64-bit words.
  double prepare_ns;  ///< A query: its lookup tables, or what else its coder makes of it.
};

struct ScanTimingOptions {
  std::size_t pool = 400;
  std::size_t rounds = 1;
  /// Most threads of the scan and of the read alike; small snapshots are scanned by one whatever is said. 0: one a
  /// core.
  unsigned threads = 1;
  const base::StopFlag* stop = nullptr;
};

/// Times the scan of a snapshot, without filter, in rounds that alternate with a plain read of exactly the bytes that
/// the scan reads (for transposed rows codes, s and a of every block) by as many threads. Throws Stopped.
ScanTiming time_scan(const Snapshot& snapshot, const Coder& coder, std::span<const float> query,
                     const ScanTimingOptions& options);

}  // namespace embedless::index
