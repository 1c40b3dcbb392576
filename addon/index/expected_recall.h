#pragma once

#include <cstddef>
#include <span>

#include "index/entry.h"

namespace embedless::index {

/// Share of the true k nearest (all of them if there are fewer candidates) that an answer holds, in the mean.
///
/// True scores are taken as normal around the estimates, exact ones as they are, and the k-th true score as one number:
/// that at which the probabilities P of lying above it sum up to k. The highest of many estimates are mostly too high,
/// so the centers lie below them: by as much as this query's exact scores did, and, while there are few of these, by
/// what the fall of the estimates at the top lets one expect (Bayes' rule with an exponential tail as the prior). The share missed is the sum of P over the
/// candidates that the answer lacks, divided by k. 1 if all is exact. Candidates that are gone, or whose estimate is
/// not finite, count for nothing. About 0.1 ms for a thousand candidates.
///
/// `answer` holds places in `entries`.
double expected_recall(std::span<const Entry> entries, std::span<const std::size_t> answer, std::size_t k);

}  // namespace embedless::index
