#include "code/lvq_code.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "base/error.h"
#include "code/unbiased_scale.h"
#include "code/vectors.h"
#include "kernel/kernel.h"

namespace embedless::code {
namespace {

/// Vectors projected together. What a vector becomes does not depend on its batch.
constexpr std::size_t batch = 16;

/// The four numbers at the start of a row.
struct RowFactors {
  LvqLimits limits;
  float add;
  float error;
};

static_assert(sizeof(RowFactors) == LvqCode::factor_bytes);

/// Encodes batch after batch; keeps working memory.
class LvqEncoder {
 public:
  explicit LvqEncoder(const LvqCode& code)
      : code_(code),
        vectors_(batch * code.dims()),
        projected_(code.projects() ? batch * code.numbers() : 0),
        numbers_(batch * code.numbers()),
        expanded_(code.projects() ? batch * code.dims() : 0) {}

  float* vector(std::size_t i) { return &vectors_[i * code_.dims()]; }

  /// Encodes the first `count` vectors, as `admit` wrote them, into rows.
  void encode(std::size_t count, std::uint8_t* rows) {
    const std::size_t dims = code_.dims();
    for (std::size_t i = 0; i < count; ++i) kernel::active().axpy(-1.0f, code_.mean(), vector(i), dims);
    project(count);
    LvqLimits limits[batch];
    for (std::size_t i = 0; i < count; ++i) limits[i] = quantise(i, rows + i * code_.row_bytes());
    expand(count);
    for (std::size_t i = 0; i < count; ++i) finish(i, limits[i], rows + i * code_.row_bytes());
  }

 private:
  void project(std::size_t count) {
    if (!code_.projects()) return;
    kernel::active().multiply(vectors_.data(), code_.passage_side(), projected_.data(), count, code_.numbers(),
                              code_.dims());
  }

  /// Writes the codes of vector i and keeps what they stand for.
  LvqLimits quantise(std::size_t i, std::uint8_t* row) {
    const std::size_t numbers = code_.numbers();
    const float* from = code_.projects() ? &projected_[i * numbers] : vector(i);
    std::uint8_t* codes = row + LvqCode::factor_bytes;
    const LvqLimits limits = write_lvq(code_.levels(), from, numbers, codes);
    read_lvq(code_.levels(), limits, codes, numbers, &numbers_[i * numbers]);
    return limits;
  }

  void expand(std::size_t count) {
    if (!code_.projects()) return;
    kernel::active().multiply(numbers_.data(), code_.expansion(), expanded_.data(), count, code_.dims(),
                              code_.numbers());
  }

  void finish(std::size_t i, LvqLimits limits, std::uint8_t* row) {
    const std::size_t dims = code_.dims();
    const float* x = vector(i);
    const float* found = code_.projects() ? &expanded_[i * dims] : &numbers_[i * dims];
    const double xx = dot(x, x, dims);
    const float scale = unbiased_scale(xx, dot(x, found, dims), dot(found, found, dims));
    double residual = 0;
    for (std::size_t j = 0; j < dims; ++j) {
      const double rest = x[j] - static_cast<double>(scale) * found[j];
      residual += rest * rest;
    }
    const RowFactors factors{
        .limits = {.low = scale * limits.low, .step = scale * limits.step},
        .add = static_cast<float>(code_.metric() == base::Metric::l2 ? xx : dot(x, code_.mean(), dims)),
        .error = static_cast<float>(std::sqrt(residual))};
    std::memcpy(row, &factors, sizeof factors);
  }

  const LvqCode& code_;
  std::vector<float> vectors_;    // [batch][dims], centred
  std::vector<float> projected_;  // [batch][numbers]
  std::vector<float> numbers_;    // [batch][numbers]: what the codes stand for
  std::vector<float> expanded_;   // [batch][dims]: that, turned back into vectors
};

}  // namespace

LvqCode::LvqCode(LvqParts parts) : parts_(std::move(parts)), expansion_(parts_.projected * parts_.dims) {
  for (std::size_t i = 0; i < parts_.projected; ++i) {
    for (std::size_t j = 0; j < parts_.dims; ++j)
      expansion_[j * parts_.projected + i] = query_side()[i * parts_.dims + j];
  }
}

std::vector<std::uint8_t> encode(const LvqCode& code, std::span<const float> vectors, const base::StopFlag* stop) {
  const std::size_t dims = code.dims();
  const std::size_t count = count_vectors(vectors, dims);
  std::vector<std::uint8_t> rows(count * code.row_bytes());
  LvqEncoder encoder(code);
  for (std::size_t first = 0; first < count; first += batch) {
    base::check(stop);
    const std::size_t size = std::min(batch, count - first);
    for (std::size_t i = 0; i < size; ++i) {
      admit(code.metric(), &vectors[(first + i) * dims], dims, encoder.vector(i), first + i);
    }
    encoder.encode(size, &rows[first * code.row_bytes()]);
  }
  return rows;
}

std::vector<float> decode(const LvqCode& code, std::span<const std::uint8_t> rows) {
  if (rows.size() % code.row_bytes() != 0) {
    throw base::Error("INVALID_ARGUMENT", "Expected a multiple of " + std::to_string(code.row_bytes()) +
                                              " bytes for rows, but received " + std::to_string(rows.size()) + ".");
  }
  const std::size_t count = rows.size() / code.row_bytes();
  const std::size_t dims = code.dims();
  std::vector<float> vectors(count * dims);
  std::vector<float> numbers(code.numbers());
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t* row = &rows[i * code.row_bytes()];
    float* vector = &vectors[i * dims];
    LvqLimits limits;
    std::memcpy(&limits, row, sizeof limits);
    read_lvq(code.levels(), limits, row + LvqCode::factor_bytes, numbers.size(), numbers.data());
    if (code.projects()) {
      kernel::active().multiply(numbers.data(), code.expansion(), vector, 1, dims, numbers.size());
    } else {
      std::copy(numbers.begin(), numbers.end(), vector);
    }
    kernel::active().axpy(1.0f, code.mean(), vector, dims);
  }
  return vectors;
}

}  // namespace embedless::code
