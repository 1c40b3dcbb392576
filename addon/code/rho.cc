#include "code/rho.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "base/parallel.h"
#include "code/unbiased_scale.h"
#include "kernel/kernel.h"

namespace embedless::code {
namespace {

/// Nearest passages of a query that count. Errors matter where the answers are.
constexpr std::size_t nearest_count = 32;
/// Rows encoded by one task.
constexpr std::size_t task_rows = 64;
constexpr double least_rho = 1e-3;
/// What the code leaves out must be so many times what rounding adds, or rounding is measured.
constexpr float least_ratio = 2;
/// Standard errors below this share of what is estimated drown in float32 rounding.
constexpr double least_error = 1e-5;

/// Sums over (exact - estimate) / sigma.
struct Misses {
  double count = 0;
  double sum = 0;
  double squares = 0;
};

class Measurement {
 public:
  Measurement(const RhoSample& sample, const RhoCode& code)
      : sample_(sample),
        code_(code),
        passages_(sample.passages.size() / sample.dims),
        own_(sample.queries.empty()),
        asked_(own_ ? sample.passages : sample.queries),
        queries_(std::min(asked_.size() / sample.dims, rho_queries)) {}

  /// The misses of all queries that are larger than rounding.
  Misses run() {
    encode();
    std::vector<Misses> found(queries_);
    base::parallel_for(sample_.threads, queries_, [&](std::size_t query) {
      check(sample_.stop);
      found[query] = measure(query);
    });
    Misses all;
    for (const Misses& each : found) {
      all.count += each.count;
      all.sum += each.sum;
      all.squares += each.squares;
    }
    return all;
  }

 private:
  const float* passage(std::size_t i) const { return &sample_.passages[i * sample_.dims]; }

  void encode() {
    rows_.resize((passages_ + task_rows - 1) / task_rows);
    base::parallel_for(sample_.threads, rows_.size(), [&](std::size_t task) {
      const std::size_t first = task * task_rows;
      const std::size_t count = std::min(task_rows, passages_ - first);
      rows_[task] = code_.encode(sample_.passages.subspan(first * sample_.dims, count * sample_.dims));
    });
  }

  /// (exact score - estimate) / sigma; NaN where sigma is as good as none.
  double miss(const RowEstimate& found, const float* query, const float* vector) const {
    const double product = dot(query, vector, sample_.dims);
    const double qq = dot(query, query, sample_.dims);
    const double xx = dot(vector, vector, sample_.dims);
    const bool is_l2 = sample_.metric == base::Metric::l2;
    const double size = is_l2 ? qq + xx : std::sqrt(qq * xx);
    if (!(found.sigma > least_error * size && found.sigma > least_ratio * found.rounding)) return NAN;
    return ((is_l2 ? 2 * product - qq - xx : product) - found.estimate) / found.sigma;
  }

  /// Passages by falling score, only the nearest in order; equal scores by number.
  std::vector<std::size_t> nearest(std::size_t index, const float* query) const {
    const kernel::Table& loops = kernel::active();
    std::vector<float> scores(passages_);
    for (std::size_t i = 0; i < passages_; ++i) {
      scores[i] = sample_.metric == base::Metric::l2 ? -loops.squared_l2(query, passage(i), sample_.dims)
                                                     : loops.dot(query, passage(i), sample_.dims);
    }
    std::vector<std::size_t> order(passages_);
    std::iota(order.begin(), order.end(), std::size_t{0});
    if (own_) order.erase(order.begin() + static_cast<std::ptrdiff_t>(index));
    const auto last = order.begin() + static_cast<std::ptrdiff_t>(std::min(nearest_count, order.size()));
    std::partial_sort(order.begin(), last, order.end(), [&](std::size_t a, std::size_t b) {
      return scores[a] != scores[b] ? scores[a] > scores[b] : a < b;
    });
    order.erase(last, order.end());
    return order;
  }

  Misses measure(std::size_t index) const {
    Misses found;
    const float* query = &asked_[index * sample_.dims];
    const RhoCode::Estimate estimate = code_.prepare({query, sample_.dims});
    for (const std::size_t i : nearest(index, query)) {
      const Encoded& task = rows_[i / task_rows];
      const std::size_t row = i % task_rows;
      const std::size_t row_bytes = task.rows.size() / std::min(task_rows, passages_ - i / task_rows * task_rows);
      const auto [from, to] = std::ranges::equal_range(task.exceptions, row, {}, &FactorException::row);
      const double ratio = miss(estimate(&task.rows[row * row_bytes], {from, to}), query, passage(i));
      if (!std::isfinite(ratio)) continue;
      ++found.count;
      found.sum += ratio;
      found.squares += ratio * ratio;
    }
    return found;
  }

  const RhoSample& sample_;
  const RhoCode& code_;
  std::size_t passages_;
  bool own_;
  std::span<const float> asked_;
  std::size_t queries_;
  std::vector<Encoded> rows_;
};

}  // namespace

float measure_rho(const RhoSample& sample, const RhoCode& code, float otherwise) {
  const Misses found = Measurement(sample, code).run();
  if (found.count == 0) return otherwise;
  const double shared = std::min(found.sum / found.count, 0.0);
  const double variance = found.squares / found.count - shared * shared;
  return static_cast<float>(std::clamp(std::sqrt(std::max(variance, 0.0)), least_rho, 1.0));
}

}  // namespace embedless::code
