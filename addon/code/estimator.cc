#include "code/estimator.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "code/error.h"
#include "code/vectors.h"
#include "kernel/descent.h"

namespace embedless::code {

Estimator::Estimator(const Codebook& codebook, std::span<const float> query)
    : codebook_(codebook),
      tables_(codebook.subspaces() * centroid_count),
      byte_tables_(codebook.subspaces() * centroid_count) {
  if (query.size() != codebook.dims()) {
    throw Error("INVALID_ARGUMENT", "Expected " + std::to_string(codebook.dims()) + " numbers for the query, but received " +
                                        std::to_string(query.size()) + ".");
  }
  rotate(query);
  quantise();
}

void Estimator::rotate(std::span<const float> query) {
  const size_t dims = codebook_.dims();
  const kernel::Table& loops = kernel::active();
  std::vector<float> centred(dims);
  admit(codebook_.metric(), query.data(), dims, centred.data(), "the query");
  const bool is_l2 = codebook_.metric() == Metric::l2;
  const float along_mean = loops.dot(centred.data(), codebook_.mean(), dims);
  loops.axpy(-1.0f, codebook_.mean(), centred.data(), dims);
  const float squared = loops.squared_norm(centred.data(), dims);
  base_ = is_l2 ? -squared : along_mean;
  add_sign_ = is_l2 ? -1.0f : 1.0f;
  sum_factor_ = is_l2 ? 2.0f : 1.0f;
  sigma_factor_ = sum_factor_ * codebook_.rho() * std::sqrt(squared);
  std::vector<float> turned(codebook_.components());
  loops.multiply(centred.data(), codebook_.rotation(), turned.data(), 1, turned.size(), dims);
  for (size_t j = 0; j < codebook_.subspaces(); ++j) {
    kernel::descent().products(&turned[codebook_.start(j)], codebook_.centroids(j), codebook_.width(j),
                               &tables_[j * centroid_count]);
  }
}

/// One step for all tables, so that sums of bytes stay comparable: the widest table spans 255 steps.
void Estimator::quantise() {
  float widest = 0;
  double offset = 0;
  std::vector<float> lows;
  for (size_t j = 0; j < codebook_.subspaces(); ++j) {
    const float* table = &tables_[j * centroid_count];
    const auto [low, high] = std::minmax_element(table, table + centroid_count);
    lows.push_back(*low);
    offset += *low;
    widest = std::max(widest, *high - *low);
  }
  const float step = widest / 255.0f;
  const float inverse = step > 0 ? 1.0f / step : 0.0f;
  for (size_t i = 0; i < tables_.size(); ++i) {
    const float steps = std::min((tables_[i] - lows[i / centroid_count]) * inverse, 255.0f);
    byte_tables_[i] = static_cast<uint8_t>(steps + 0.5f);
  }
  const FactorRanges& ranges = codebook_.factors().ranges();
  const bool bytes = codebook_.metric() == Metric::cosine;
  scan_ = {.tables = byte_tables_.data(),
           .subspaces = codebook_.subspaces(),
           .sum_offset = static_cast<float>(offset),
           .sum_step = step,
           .scale_low = ranges.scale.low,
           .scale_step = ranges.scale.step(),
           .add_low = ranges.add.low,
           .add_step = ranges.add.step(),
           .base = base_,
           .add_sign = bytes ? add_sign_ : add_sign_ * ranges.add_unit,
           .sum_factor = sum_factor_,
           .form = bytes ? kernel::FactorForm::byte : kernel::FactorForm::half};
  if (!bytes) return;
  const float largest = std::max(std::fabs(ranges.scale.low), std::fabs(ranges.scale.high));
  // Half a step a table, and a thousandth more for the rounding of sums.
  slack_ = largest * step * 0.5005f * static_cast<float>(codebook_.subspaces());
}

float Estimator::estimate(const uint8_t* row, const FactorException* exceptions, size_t count) const {
  const size_t subspaces = codebook_.subspaces();
  float sums[4] = {0, 0, 0, 0};
  for (size_t j = 0; j < subspaces; ++j) sums[j % 4] += tables_[j * centroid_count + row[j]];
  const float sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  const Factors factors = codebook_.factors().read(row + subspaces, exceptions, count);
  return (base_ + add_sign_ * factors.add) + (sum_factor_ * factors.scale) * sum;
}

float Estimator::quick_estimate(const uint8_t* row) const {
  const size_t subspaces = codebook_.subspaces();
  const uint8_t* tables = byte_tables_.data();
  uint32_t sums[4] = {0, 0, 0, 0};
  size_t j = 0;
  for (; j + 4 <= subspaces; j += 4, tables += 4 * centroid_count) {
    sums[0] += tables[row[j]];
    sums[1] += tables[centroid_count + row[j + 1]];
    sums[2] += tables[2 * centroid_count + row[j + 2]];
    sums[3] += tables[3 * centroid_count + row[j + 3]];
  }
  for (; j < subspaces; ++j, tables += centroid_count) sums[0] += tables[row[j]];
  const auto steps = static_cast<float>((sums[0] + sums[1]) + (sums[2] + sums[3]));
  const Factors factors = codebook_.factors().read(row + subspaces, nullptr, 0);
  return (base_ + add_sign_ * factors.add) + (sum_factor_ * factors.scale) * (scan_.sum_offset + scan_.sum_step * steps);
}

float Estimator::sigma(const uint8_t* row, const FactorException* exceptions, size_t count) const {
  return sigma_factor_ * codebook_.factors().read(row + codebook_.subspaces(), exceptions, count).error;
}

}  // namespace embedless::code
