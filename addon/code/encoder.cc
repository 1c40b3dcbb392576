#include "code/encoder.h"

#include <algorithm>
#include <string>

#include "base/error.h"
#include "code/code_search.h"
#include "code/vectors.h"
#include "kernel/kernel.h"

namespace embedless::code {
namespace {

/// Factors behind the code; the error is that of the scale as a reader will find it.
void write_factors(const FactorCoder& coder, const CodeSearch& search, const Factors& factors, std::uint16_t row,
                   std::uint8_t* out, std::vector<FactorException>& exceptions) {
  const float stored = coder.write_scale(factors.scale, row, out, exceptions);
  coder.write_add(factors.add, row, out, exceptions);
  coder.write_error(search.error(stored), row, out, exceptions);
}

void check_exceptions(std::span<const FactorException> exceptions, std::size_t rows) {
  std::size_t previous = 0;
  for (const FactorException& exception : exceptions) {
    if (exception.row >= rows || exception.row < previous || exception.factor > 2) {
      throw base::Error("CORRUPT", "Expected exceptions that name rows in order, but received one for factor " +
                                       std::to_string(exception.factor) + " of row " + std::to_string(exception.row) +
                                       ".");
    }
    previous = exception.row;
  }
}

}  // namespace

Encoded encode(const Codebook& codebook, std::span<const float> vectors, const base::StopFlag* stop) {
  const std::size_t dims = codebook.dims();
  const std::size_t count = count_vectors(vectors, dims);
  if (count > max_encode_rows) {
    throw base::Error("LIMIT", "Expected at most 65536 vectors at a time, but received " + std::to_string(count) + ".");
  }
  Encoded result;
  result.rows.resize(count * codebook.row_bytes());
  CodeSearch search(codebook);
  for (std::size_t first = 0; first < count; first += CodeSearch::batch) {
    base::check(stop);
    const std::size_t size = std::min(CodeSearch::batch, count - first);
    for (std::size_t i = 0; i < size; ++i) {
      admit(codebook.metric(), &vectors[(first + i) * dims], dims, search.vectors() + i * dims, first + i);
    }
    search.project(size);
    for (std::size_t i = 0; i < size; ++i) {
      std::uint8_t* row = &result.rows[(first + i) * codebook.row_bytes()];
      const Factors factors = search.search(i, row);
      write_factors(codebook.factors(), search, factors, static_cast<std::uint16_t>(first + i),
                    row + codebook.subspaces(), result.exceptions);
    }
  }
  return result;
}

std::vector<float> decode(const Codebook& codebook, std::span<const std::uint8_t> rows,
                          std::span<const FactorException> exceptions) {
  const std::size_t dims = codebook.dims();
  if (rows.size() % codebook.row_bytes() != 0) {
    throw base::Error("INVALID_ARGUMENT", "Expected a multiple of " + std::to_string(codebook.row_bytes()) +
                                              " bytes for rows, but received " + std::to_string(rows.size()) + ".");
  }
  const std::size_t count = rows.size() / codebook.row_bytes();
  check_exceptions(exceptions, count);
  const kernel::Table& loops = kernel::active();
  std::vector<float> vectors(count * dims);
  std::size_t used = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t* row = &rows[i * codebook.row_bytes()];
    const std::size_t own = used;
    while (used < exceptions.size() && exceptions[used].row == i) ++used;
    const Factors factors = codebook.factors().read(row + codebook.subspaces(), exceptions.data() + own, used - own);
    float* vector = &vectors[i * dims];
    std::copy_n(codebook.mean(), dims, vector);
    for (std::size_t j = 0; j < codebook.subspaces(); ++j) {
      for (std::size_t k = 0; k < codebook.width(j); ++k) {
        const float value = codebook.centroids(j)[k * centroid_count + row[j]];
        loops.axpy(factors.scale * value, codebook.rotation() + (codebook.start(j) + k) * dims, vector, dims);
      }
    }
  }
  return vectors;
}

}  // namespace embedless::code
