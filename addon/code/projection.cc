#include "code/projection.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/parallel.h"
#include "base/random.h"
#include "code/eigen.h"
#include "kernel/kernel.h"

namespace embedless::code {
namespace {

/// Shares of the second moment that queries are taken to have; the last keeps it invertible.
constexpr double query_share = 0.7;
constexpr double passage_share = 0.3;
constexpr double even_share = 1e-3;
/// Rows of a product that one task makes.
constexpr std::size_t task_rows = 8;

using Matrix = std::vector<double>;

void each_row(const ProjectionOptions& options, std::size_t rows, const std::function<void(std::size_t)>& work) {
  base::parallel_for(options.threads, (rows + task_rows - 1) / task_rows, [&](std::size_t task) {
    for (std::size_t row = task * task_rows; row < std::min(rows, (task + 1) * task_rows); ++row) {
      base::check(options.stop);
      work(row);
    }
  });
}

/// a [m][k] times b [k][n].
Matrix multiply(const Matrix& a, const Matrix& b, std::size_t m, std::size_t k, std::size_t n,
                const ProjectionOptions& options) {
  Matrix c(m * n);
  each_row(options, m, [&](std::size_t i) {
    for (std::size_t p = 0; p < k; ++p) {
      const double factor = a[i * k + p];
      for (std::size_t j = 0; j < n; ++j) c[i * n + j] += factor * b[p * n + j];
    }
  });
  return c;
}

/// A random orthonormal basis, [order][order]: numbers from a generator, row by row made orthogonal to those before.
Matrix random_rotation(std::size_t order, const ProjectionOptions& options) {
  base::Random random(options.seed);
  Matrix rows(order * order);
  for (double& value : rows) value = random.symmetric() + random.symmetric() + random.symmetric();
  for (std::size_t i = 0; i < order; ++i) {
    base::check(options.stop);
    double* row = &rows[i * order];
    // Twice, because the first pass leaves rounding of what it took away.
    for (int pass = 0; pass < 2; ++pass) {
      for (std::size_t before = 0; before < i; ++before) {
        const double* other = &rows[before * order];
        double along = 0;
        for (std::size_t j = 0; j < order; ++j) along += row[j] * other[j];
        for (std::size_t j = 0; j < order; ++j) row[j] -= along * other[j];
      }
    }
    double squared = 0;
    for (std::size_t j = 0; j < order; ++j) squared += row[j] * row[j];
    const double factor = 1 / std::sqrt(squared);
    for (std::size_t j = 0; j < order; ++j) row[j] *= factor;
  }
  return rows;
}

/// side [projected][components], turned by the rotation and then from components into dims.
std::vector<float> turned(const Matrix& rotation, const Matrix& side, const Pca& pca, std::size_t components,
                          const ProjectionOptions& options) {
  const Matrix rotated = multiply(rotation, side, options.projected, options.projected, components, options);
  std::vector<float> result(options.projected * options.dims);
  each_row(options, options.projected, [&](std::size_t i) {
    for (std::size_t p = 0; p < components; ++p) {
      kernel::active().axpy(static_cast<float>(rotated[i * components + p]), &pca.directions[p * options.dims],
                            &result[i * options.dims], options.dims);
    }
  });
  return result;
}

/// Mean of y y' over the queries y in principal components, [components][components].
Matrix second_moment(const Pca& pca, std::span<const float> queries, std::size_t components,
                     const ProjectionOptions& options) {
  const std::size_t count = queries.size() / options.dims;
  std::vector<float> found(count * components);
  each_row(options, count, [&](std::size_t i) {
    kernel::active().multiply(&queries[i * options.dims], pca.directions.data(), &found[i * components], 1, components,
                              options.dims);
  });
  Matrix moment(components * components);
  each_row(options, components, [&](std::size_t row) {
    double* sums = &moment[row * components];
    for (std::size_t i = 0; i < count; ++i) {
      const double factor = static_cast<double>(found[i * components + row]) / static_cast<double>(count);
      for (std::size_t j = 0; j < components; ++j) sums[j] += factor * found[i * components + j];
    }
  });
  return moment;
}

/// K: the queries' second moment, the passages' variances brought to the same trace, and a little of all directions.
Matrix blended_moment(const Pca& pca, Matrix moment, std::size_t components) {
  double queries = 0;
  double passages = 0;
  for (std::size_t i = 0; i < components; ++i) {
    queries += moment[i * components + i];
    passages += pca.variances[i];
  }
  // Queries that all equal the mean ask for nothing in particular.
  const double share = queries > 0 ? query_share : 0;
  const double trace = queries > 0 ? queries : passages;
  for (double& value : moment) value *= share;
  for (std::size_t i = 0; i < components; ++i) {
    moment[i * components + i] +=
        trace * (passage_share * pca.variances[i] / passages + even_share / static_cast<double>(components));
  }
  return moment;
}

/// Scales both sides to rows of norm 1 in the root mean square on the passages' side; their product stays.
void settle_scale(Matrix& passage, Matrix& query, std::size_t projected) {
  double squared = 0;
  for (const double value : passage) squared += value * value;
  const double norm = std::sqrt(squared / static_cast<double>(projected));
  if (!(norm > 0)) return;
  for (double& value : passage) value /= norm;
  for (double& value : query) value *= norm;
}

}  // namespace

Sides pca_sides(const Pca& pca, const ProjectionOptions& options) {
  const std::size_t projected = options.projected;
  Matrix identity(projected * projected);
  for (std::size_t i = 0; i < projected; ++i) identity[i * projected + i] = 1;
  return {.passage = turned(random_rotation(projected, options), identity, pca, projected, options), .query = {}};
}

Sides ood_sides(const Pca& pca, std::span<const float> queries, const ProjectionOptions& options) {
  const std::size_t components = pca.variances.size();
  const std::size_t projected = options.projected;
  const Eigen moment = symmetric_eigen(
      blended_moment(pca, second_moment(pca, queries, components, options), components), components, options.stop);
  // L' has the rows sqrt(value) * eigenvector, L^-1 the rows eigenvector / sqrt(value).
  Matrix upper(components * components);
  Matrix inverse(components * components);
  Matrix weighted(components * components);  // L' Cov, then transposed
  for (std::size_t i = 0; i < components; ++i) {
    base::check(options.stop);
    const double root = std::sqrt(std::max(moment.values[i], moment.values.front() * 1e-12));
    for (std::size_t j = 0; j < components; ++j) {
      const double value = moment.vectors[i * components + j];
      upper[i * components + j] = root * value;
      inverse[i * components + j] = value / root;
      weighted[j * components + i] = root * value * pca.variances[j];
    }
  }
  Matrix product = multiply(upper, weighted, components, components, components, options);
  for (std::size_t i = 0; i < components; ++i) {
    for (std::size_t j = 0; j < i; ++j) product[i * components + j] = product[j * components + i];
  }
  const Eigen leading = symmetric_eigen(std::move(product), components, options.stop);
  const Matrix chosen(leading.vectors.begin(),
                      leading.vectors.begin() + static_cast<std::ptrdiff_t>(projected * components));
  Matrix passage = multiply(chosen, upper, projected, components, components, options);
  Matrix query = multiply(chosen, inverse, projected, components, components, options);
  for (std::size_t i = 0; i < projected; ++i) {
    // The variance of B x is the eigenvalue, that of A q is 1: their fourth root makes both its square root.
    const double balance = std::sqrt(std::sqrt(std::max(leading.values[i], leading.values.front() * 1e-12)));
    for (std::size_t j = 0; j < components; ++j) {
      passage[i * components + j] /= balance;
      query[i * components + j] *= balance;
    }
  }
  settle_scale(passage, query, projected);
  const Matrix rotation = random_rotation(projected, options);
  return {.passage = turned(rotation, passage, pca, components, options),
          .query = turned(rotation, query, pca, components, options)};
}

}  // namespace embedless::code
