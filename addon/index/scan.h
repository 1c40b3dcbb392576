#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/stop.h"
#include "index/bitmap.h"
#include "index/code_store.h"
#include "index/pool.h"

namespace embedless::index {

/// Snapshots smaller than this are scanned by one thread: starting others costs as much as it saves.
inline constexpr std::size_t threaded_codes = 100'000;

struct ScanOptions {
  /// Candidates to keep, at least 1.
  std::size_t pool = 400;
  /// Nodes before it are left out.
  std::size_t first = 0;
  /// Nodes that may be answered; null: all.
  const Bitmap* filter = nullptr;
  /// Most threads to use from `threaded_codes` nodes on; 0: one a core. Changes no result.
  unsigned threads = 0;
  const base::StopFlag* stop = nullptr;
};

/// Threads that a scan of the snapshot takes if at most `asked` are allowed; 0: one a core.
unsigned threads_for(const Snapshot& snapshot, unsigned asked);

struct ScanResult {
  /// The best `pool` of all live nodes that pass the filter; ties by node. In no particular order.
  std::vector<Candidate> best;
  /// Nodes estimated.
  std::size_t scanned = 0;
};

/// Estimates every live node that passes the filter, by the u8 tables where the layout has them (nodes with exceptions
/// by float tables). Blocks without such a node are skipped. Throws Stopped within 5 ms of the flag.
ScanResult scan(const Snapshot& snapshot, const Scorer& scorer, const ScanOptions& options);

/// A candidate as the bound sees it.
struct Estimated {
  std::uint32_t node;
  float estimate;
  float sigma;  ///< Standard error of the estimate.
};

/// Estimates candidates again with float tables and puts them into order: estimate falling, node rising.
std::vector<Estimated> estimate_again(const Snapshot& snapshot, const Scorer& scorer,
                                      const std::vector<Candidate>& candidates, const base::StopFlag* stop);

}  // namespace embedless::index
