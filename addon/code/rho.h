#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "base/metric.h"
#include "base/stop.h"
#include "code/encoder.h"

namespace embedless::code {

/// Passages that the error constant of a code is measured on at most, and queries.
inline constexpr std::size_t rho_passages = 4096;
inline constexpr std::size_t rho_queries = 256;

/// Vectors to measure the error constant of a code on, row-major, as `admit` wrote them.
struct RhoSample {
  std::size_t dims = 0;
  base::Metric metric = base::Metric::cosine;
  std::span<const float> passages{};
  /// Empty: the first `rho_queries` passages ask, each for the others.
  std::span<const float> queries{};
  unsigned threads = 1;
  const base::StopFlag* stop = nullptr;
};

/// What a code says of one row.
struct RowEstimate {
  float estimate;
  float sigma;         ///< of what the code leaves out
  float rounding = 0;  ///< standard error of the form that the row is stored in
};

/// A trained code whose error constant is still 1.
struct RhoCode {
  std::function<Encoded(std::span<const float> vectors)> encode;
  /// Estimates rows with their exceptions, if any.
  using Estimate = std::function<RowEstimate(const std::uint8_t* row, std::span<const FactorException>)>;
  std::function<Estimate(std::span<const float> query)> prepare;
};

/// How far (exact - estimate) / (e |q - m|) spreads over each query's 32 nearest passages: what turns the residual norm
/// of a passage into the standard error of its estimate. A mean below zero, that is an overestimate which near passages
/// share, is taken out: it moves no passage past another and loses no answer, and passages that stand for queries,
/// being more like their neighbours than real queries are, have far more of it. What is left agrees between passages
/// and real queries.
///
/// The same for any number of threads. Between 0.001 and 1, the most that a residual can do; `otherwise` where nothing
/// has an error to speak of.
float measure_rho(const RhoSample& sample, const RhoCode& code, float otherwise);

}  // namespace embedless::code
