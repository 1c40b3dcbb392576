#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "index/entry.h"

namespace embedless::index {

/// What the intervals around the estimates say of a candidate.
enum class Verdict : std::uint8_t {
  settled,    ///< Exact or gone: nothing left to say.
  taken,      ///< In the answer whatever its exact score is.
  dismissed,  ///< Not in the answer whatever its exact score is.
  ambiguous,  ///< Only its exact score can tell.
};

/// Judges each candidate by intervals of `margin` sigmas around its estimate, those of exact ones being their score.
///
/// Taken: its lower end lies above the (k+1)-th highest upper end of all, its own included, so that at most k - 1
/// others can beat it. Dismissed: its upper end is not above the k-th highest lower end. Candidates that are gone count
/// for nothing. `k` at least 1, `margin` at least 0.
std::vector<Verdict> judge(std::span<const Entry> entries, std::size_t k, double margin);

}  // namespace embedless::index
