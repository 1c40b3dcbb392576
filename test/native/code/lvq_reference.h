#pragma once

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "code/lvq_code.h"
#include "code/synthetic.h"

/// What rows of the LVQ family mean, written in double and independently of the library.
namespace lvq_reference {

using embedless::base::Metric;
using embedless::code::LvqCode;
using embedless::code::LvqLevels;
using embedless::code::LvqTrainOptions;
using embedless::code::Projection;

inline constexpr Metric metrics[] = {Metric::cosine, Metric::ip, Metric::l2};

/// A kind of code to test.
struct Kind {
  const char* name;
  LvqLevels levels;
  bool projects;
  Projection projection;
};

inline const std::vector<Kind> kinds = {
    {"Lvq4", LvqLevels::lvq4, false, Projection::pca},     {"Lvq8", LvqLevels::lvq8, false, Projection::pca},
    {"Lvq4x8", LvqLevels::lvq4x8, false, Projection::pca}, {"Pca4", LvqLevels::lvq4, true, Projection::pca},
    {"Pca8", LvqLevels::lvq8, true, Projection::pca},      {"Ood4", LvqLevels::lvq4, true, Projection::ood},
    {"Ood8", LvqLevels::lvq8, true, Projection::ood},
};

/// Options for a kind; projections keep two thirds of the dims. `queries` must outlive the training.
inline LvqTrainOptions options(const Kind& kind, Metric metric, std::size_t dims, const std::vector<float>& queries) {
  LvqTrainOptions result{.dims = dims, .metric = metric, .levels = kind.levels};
  if (!kind.projects) return result;
  result.projected = (2 * dims + 2) / 3;
  result.projection = kind.projection;
  if (kind.projection == Projection::ood) result.queries = queries;
  return result;
}

struct Row {
  double low, step, add, error;
  std::vector<double> first;  // codes
  std::vector<double> fine;   // codes of the second level, if there is one
};

inline Row read_row(const LvqCode& code, const std::uint8_t* row) {
  float factors[4];
  std::memcpy(factors, row, sizeof factors);
  Row result{factors[0], factors[1], factors[2], factors[3], {}, {}};
  const std::size_t n = code.numbers();
  const std::size_t half = (n + 1) / 2;
  const bool nibbles = code.levels() != LvqLevels::lvq8;
  for (std::size_t i = 0; i < n; ++i) {
    if (!nibbles)
      result.first.push_back(row[16 + i]);
    else
      result.first.push_back(i < half ? row[16 + i] % 16 : row[16 + i - half] / 16);
    if (code.levels() == LvqLevels::lvq4x8) result.fine.push_back(row[16 + half + i]);
  }
  return result;
}

/// X^ as a vector of dims numbers, by the first level alone or by all.
inline std::vector<double> approximation(const LvqCode& code, const Row& row, bool first_only) {
  std::vector<double> numbers(row.first);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (!row.fine.empty() && !first_only) numbers[i] += row.fine[i] / 255 - 0.5;
    numbers[i] = row.low + row.step * numbers[i];
  }
  if (!code.projects()) return numbers;
  const auto& sides = code.parts();
  const auto& side = sides.query_side.empty() ? sides.passage_side : sides.query_side;
  std::vector<double> vector(code.dims());
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    for (std::size_t j = 0; j < code.dims(); ++j) vector[j] += numbers[i] * side[i * code.dims() + j];
  }
  return vector;
}

inline double dot(const std::vector<double>& x, const std::vector<double>& y) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += x[i] * y[i];
  return sum;
}

/// A vector as the metric works on it, less the mean.
inline std::vector<double> centred(const LvqCode& code, const float* vector) {
  std::vector<double> result(vector, vector + code.dims());
  const double norm = std::sqrt(dot(result, result));
  for (std::size_t i = 0; i < result.size(); ++i) {
    if (code.metric() == Metric::cosine) result[i] /= norm;
    result[i] -= code.mean()[i];
  }
  return result;
}

inline double exact_score(Metric metric, const float* q, const float* x, std::size_t dims) {
  if (metric == Metric::ip) return synthetic::dot(q, x, dims);
  if (metric == Metric::cosine) {
    return synthetic::dot(q, x, dims) / std::sqrt(synthetic::dot(q, q, dims) * synthetic::dot(x, x, dims));
  }
  double sum = 0;
  for (std::size_t i = 0; i < dims; ++i) sum += std::pow(static_cast<double>(q[i]) - x[i], 2);
  return -sum;
}

/// What float32 rounding may add to a score of these two: sums and the stored additive term.
inline double rounding(const LvqCode& code, const float* q, const float* x) {
  if (code.metric() == Metric::cosine) return 3e-6;
  const std::size_t dims = code.dims();
  const double mean = synthetic::dot(code.mean(), code.mean(), dims);
  const double qq = synthetic::dot(q, q, dims) + mean;
  const double xx = synthetic::dot(x, x, dims) + mean;
  return 3e-6 * (code.metric() == Metric::l2 ? qq + xx : std::sqrt(qq * xx)) + 1e-37;
}

}  // namespace lvq_reference
