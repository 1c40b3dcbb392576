#include "code/estimator.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.h"
#include "code/vectors.h"
#include "kernel/descent.h"

namespace embedless::code {

namespace {

struct Limits {
  float low;
  float high;
};

/// The least and the greatest of a table, in chains that compilers turn into vectors.
Limits limits(const float* table) {
  constexpr std::size_t chains = 16;
  static_assert(centroid_count % chains == 0);
  float lows[chains], highs[chains];
  std::copy(table, table + chains, lows);
  std::copy(table, table + chains, highs);
  for (std::size_t i = chains; i < centroid_count; i += chains) {
    for (std::size_t c = 0; c < chains; ++c) {
      lows[c] = table[i + c] < lows[c] ? table[i + c] : lows[c];
      highs[c] = table[i + c] > highs[c] ? table[i + c] : highs[c];
    }
  }
  return {*std::min_element(lows, lows + chains), *std::max_element(highs, highs + chains)};
}

}  // namespace

Estimator::Estimator(const Codebook& codebook, std::span<const float> query)
    : codebook_(codebook),
      tables_(codebook.subspaces() * centroid_count),
      byte_tables_(codebook.subspaces() * centroid_count) {
  if (query.size() != codebook.dims()) {
    throw base::Error("INVALID_ARGUMENT", "Expected " + std::to_string(codebook.dims()) +
                                              " numbers for the query, but received " + std::to_string(query.size()) +
                                              ".");
  }
  rotate(query);
  quantise();
}

void Estimator::rotate(std::span<const float> query) {
  const std::size_t dims = codebook_.dims();
  const kernel::Table& loops = kernel::active();
  std::vector<float> centred(dims);
  admit(codebook_.metric(), query.data(), dims, centred.data(), "the query");
  const bool is_l2 = codebook_.metric() == base::Metric::l2;
  const float along_mean = loops.dot(centred.data(), codebook_.mean(), dims);
  loops.axpy(-1.0f, codebook_.mean(), centred.data(), dims);
  const float squared = loops.squared_norm(centred.data(), dims);
  base_ = is_l2 ? -squared : along_mean;
  add_sign_ = is_l2 ? -1.0f : 1.0f;
  sum_factor_ = is_l2 ? 2.0f : 1.0f;
  residual_factor_ = sum_factor_ * codebook_.rho() * std::sqrt(squared);
  std::vector<float> turned(codebook_.components());
  loops.multiply(centred.data(), codebook_.rotation(), turned.data(), 1, turned.size(), dims);
  for (std::size_t j = 0; j < codebook_.subspaces(); ++j) {
    kernel::descent().products(&turned[codebook_.start(j)], codebook_.centroids(j), codebook_.width(j),
                               &tables_[j * centroid_count]);
  }
}

/// One step for all tables, so that sums of bytes stay comparable: the widest table spans 255 steps.
void Estimator::quantise() {
  float widest = 0;
  double offset = 0;
  std::vector<float> lows;
  for (std::size_t j = 0; j < codebook_.subspaces(); ++j) {
    const float* table = &tables_[j * centroid_count];
    const auto [low, high] = limits(table);
    lows.push_back(low);
    offset += low;
    widest = std::max(widest, high - low);
  }
  const float step = widest / 255.0f;
  const float inverse = step > 0 ? 1.0f / step : 0.0f;
  for (std::size_t j = 0; j < codebook_.subspaces(); ++j) {
    const float* from = &tables_[j * centroid_count];
    std::uint8_t* to = &byte_tables_[j * centroid_count];
    const float low = lows[j];
    for (std::size_t i = 0; i < centroid_count; ++i) {
      const float steps = std::min((from[i] - low) * inverse, 255.0f);
      to[i] = static_cast<std::uint8_t>(static_cast<std::int32_t>(steps + 0.5f));
    }
  }
  const FactorRanges& ranges = codebook_.factors().ranges();
  const bool bytes = codebook_.metric() == base::Metric::cosine;
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

float Estimator::estimate(const std::uint8_t* row, const FactorException* exceptions, std::size_t count) const {
  const std::size_t subspaces = codebook_.subspaces();
  float sums[4] = {0, 0, 0, 0};
  for (std::size_t j = 0; j < subspaces; ++j) sums[j % 4] += tables_[j * centroid_count + row[j]];
  const float sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  const Factors factors = codebook_.factors().read(row + subspaces, exceptions, count);
  return (base_ + add_sign_ * factors.add) + (sum_factor_ * factors.scale) * sum;
}

float Estimator::quick_estimate(const std::uint8_t* row) const {
  const std::size_t subspaces = codebook_.subspaces();
  const std::uint8_t* tables = byte_tables_.data();
  std::uint32_t sums[4] = {0, 0, 0, 0};
  std::size_t j = 0;
  for (; j + 4 <= subspaces; j += 4, tables += 4 * centroid_count) {
    sums[0] += tables[row[j]];
    sums[1] += tables[centroid_count + row[j + 1]];
    sums[2] += tables[2 * centroid_count + row[j + 2]];
    sums[3] += tables[3 * centroid_count + row[j + 3]];
  }
  for (; j < subspaces; ++j, tables += centroid_count) sums[0] += tables[row[j]];
  const auto steps = static_cast<float>((sums[0] + sums[1]) + (sums[2] + sums[3]));
  const float sum = scan_.sum_offset + scan_.sum_step * steps;
  const std::uint8_t* factors = row + subspaces;
  if (scan_.form == kernel::FactorForm::byte) {
    const float scale = scan_.scale_low + scan_.scale_step * static_cast<float>(factors[0]);
    const float add = scan_.add_low + scan_.add_step * static_cast<float>(factors[1]);
    return (base_ + add_sign_ * add) + (sum_factor_ * scale) * sum;
  }
  const Factors read = codebook_.factors().read(factors, nullptr, 0);
  return (base_ + add_sign_ * read.add) + (sum_factor_ * read.scale) * sum;
}

Estimator::Errors Estimator::errors(const std::uint8_t* row, const FactorException* exceptions,
                                    std::size_t count) const {
  const FactorCoder& coder = codebook_.factors();
  const Factors factors = coder.read(row + codebook_.subspaces(), exceptions, count);
  const auto is_add = [](const FactorException& one) {
    return one.factor == static_cast<std::uint8_t>(FactorName::add);
  };
  const bool is_rounded = std::none_of(exceptions, exceptions + count, is_add);
  return {.residual = residual_factor_ * factors.error, .rounding = is_rounded ? coder.add_rounding(factors.add) : 0};
}

float Estimator::sigma(const std::uint8_t* row, const FactorException* exceptions, std::size_t count) const {
  const auto [residual, rounding] = errors(row, exceptions, count);
  return static_cast<float>(std::sqrt(double{residual} * residual + double{rounding} * rounding));
}

}  // namespace embedless::code
