#include "graph/row_vectors.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernel/kernel.h"

namespace embedless::graph {
namespace {

/// Rows measured between two looks at the stop flag.
constexpr std::size_t stop_interval = 4096;
/// Norms this close to 1 are taken for 1: the rounding of the rows moves them as far.
constexpr float unit_tolerance = 0x1p-10f;

template <class T>
T get(const std::uint8_t* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

/// Where the numbers of a row begin.
std::size_t header_bytes(RowForm form) {
  switch (form) {
    case RowForm::float16: return 4;
    case RowForm::lvq8: return 8;
    default: return 0;
  }
}

float upper(const std::uint8_t* row, std::size_t i) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(get<std::uint16_t>(row + 2 * i)) << 16);
}

/// Numbers added up or compared in so many chains, which compilers turn into vectors; the order is fixed.
constexpr std::size_t chains = 8;

float sum_of(const float* vector, std::size_t dims) {
  float sums[chains] = {};
  const std::size_t whole = dims - dims % chains;
  for (std::size_t i = 0; i < whole; i += chains) {
    for (std::size_t c = 0; c < chains; ++c) sums[c] += vector[i + c];
  }
  for (std::size_t i = whole; i < dims; ++i) sums[0] += vector[i];
  return ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]));
}

float largest_of(const float* vector, std::size_t dims) {
  float most[chains] = {};
  const std::size_t whole = dims - dims % chains;
  const auto wider = [](float a, float b) { return std::fabs(b) > a ? std::fabs(b) : a; };
  for (std::size_t i = 0; i < whole; i += chains) {
    for (std::size_t c = 0; c < chains; ++c) most[c] = wider(most[c], vector[i + c]);
  }
  for (std::size_t i = whole; i < dims; ++i) most[0] = wider(most[0], vector[i]);
  return *std::max_element(most, most + chains);
}

/// Query numbers as integers: as fine as sums of `dims` products with bytes allow in 31 bits.
void make_words(const float* vector, std::size_t dims, Query& query) {
  const float largest = largest_of(vector, dims);
  const float most = std::min(32767.0f, std::floor(2147483647.0f / (256.0f * static_cast<float>(dims))));
  query.step = largest > 0 ? largest / most : 1.0f;
  const float inverse = 1.0f / query.step;
  std::int16_t* words = query.words.data();
  for (std::size_t i = 0; i < dims; ++i) {
    const float scaled = vector[i] * inverse;
    float rounded = scaled + std::copysign(0.5f, scaled);
    // Before the conversion: damaged rows hold numbers that no integer takes, and NaN, which becomes -most.
    rounded = rounded < most ? rounded : most;
    words[i] = static_cast<std::int16_t>(rounded > -most ? rounded : -most);
  }
}

/// The numbers of a row, which begin behind its header.
void decode(RowForm form, std::size_t dims, const std::uint8_t* row, float* out) {
  const std::uint8_t* header = row - header_bytes(form);
  switch (form) {
    case RowForm::float32: std::memcpy(out, row, 4 * dims); break;
    case RowForm::split32:
      for (std::size_t i = 0; i < dims; ++i) out[i] = upper(row, i);
      break;
    case RowForm::float16: {
      const auto unit = get<float>(header);
      kernel::walk().widen(row, dims, out);
      for (std::size_t i = 0; i < dims; ++i) out[i] *= unit;
      break;
    }
    case RowForm::lvq8: {
      const auto low = get<float>(header);
      const auto step = get<float>(header + 4);
      for (std::size_t i = 0; i < dims; ++i) out[i] = low + step * static_cast<float>(row[i]);
      break;
    }
  }
}

kernel::RowPlaces table_of(RowForm form, RowPlaces places) {
  return {places.blocks, places.shift, places.stride, header_bytes(form)};
}

}  // namespace

bool is_unit(float squared_norm) { return std::fabs(squared_norm - 1.0f) < unit_tolerance; }

void squared_norms(RowForm form, std::size_t dims, RowPlaces places, std::size_t first, std::span<float> out,
                   const base::StopFlag* stop) {
  const kernel::RowPlaces rows = table_of(form, places);
  const kernel::Table& floats = kernel::active();
  std::vector<float> vector(dims);
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (i % stop_interval == 0) base::check(stop);
    decode(form, dims, rows.row(static_cast<std::uint32_t>(first + i)), vector.data());
    out[i] = floats.squared_norm(vector.data(), dims);
  }
}

std::size_t row_bytes(RowForm form, std::size_t dims) {
  switch (form) {
    case RowForm::float16: return 4 + 2 * dims;
    case RowForm::lvq8: return 8 + dims;
    default: return 4 * dims;
  }
}

void split(const std::uint8_t* whole, std::size_t dims, std::uint8_t* split) {
  for (std::size_t i = 0; i < dims; ++i) {
    const auto bits = get<std::uint32_t>(whole + 4 * i);
    const auto high = static_cast<std::uint16_t>((bits + 0x8000u) >> 16);
    const auto low = static_cast<std::uint16_t>(bits);
    std::memcpy(split + 2 * i, &high, sizeof high);
    std::memcpy(split + 2 * (dims + i), &low, sizeof low);
  }
}

void unsplit(const std::uint8_t* split, std::size_t dims, std::uint8_t* whole) {
  for (std::size_t i = 0; i < dims; ++i) {
    const auto high = get<std::uint16_t>(split + 2 * i);
    const auto low = get<std::uint16_t>(split + 2 * (dims + i));
    // A set top bit below says that the upper half was rounded up.
    const auto cut = static_cast<std::uint16_t>(high - (low >> 15));
    const std::uint32_t bits = (static_cast<std::uint32_t>(cut) << 16) | low;
    std::memcpy(whole + 4 * i, &bits, sizeof bits);
  }
}

RowVectors::RowVectors(RowForm form, std::size_t dims, base::Metric metric, RowPlaces places, std::size_t count,
                       std::span<const float> factors)
    : form_(form),
      dims_(dims),
      metric_(metric),
      count_(count),
      rows_(table_of(form, places)),
      loops_(kernel::walk()),
      factors_(factors) {}

RowVectors::RowVectors(RowForm form, std::size_t dims, base::Metric metric, RowPlaces places, std::size_t count,
                       const base::StopFlag* stop)
    : RowVectors(form, dims, metric, places, count, std::span<const float>()) {
  if (metric == base::Metric::ip) return;
  measured_.resize(count);
  squared_norms(form, dims, places, 0, measured_, stop);
  if (metric == base::Metric::cosine) {
    if (std::ranges::all_of(measured_, is_unit)) {
      std::vector<float>().swap(measured_);
    } else {
      for (float& value : measured_) value = 1.0f / std::sqrt(value);
    }
  }
  factors_ = measured_;
}

void RowVectors::prepare(const float* vector, Query& query) const {
  query.squared = metric_ == base::Metric::l2 ? kernel::active().squared_norm(vector, dims_) : 0.0f;
  switch (form_) {
    case RowForm::split32:
      if (query.values.size() < dims_) query.values.resize(dims_);
      loops_.arrange(vector, dims_, query.values.data());
      query.numbers = query.values.data();
      break;
    case RowForm::lvq8:
      query.words.resize(dims_);
      make_words(vector, dims_, query);
      query.sum = sum_of(vector, dims_);
      break;
    default: query.numbers = vector;
  }
}

void RowVectors::prepare_node(std::uint32_t node, Query& query) const {
  query.values.resize(2 * dims_);
  if (form_ == RowForm::split32) {
    float* values = query.values.data();
    loops_.arrange_uppers(rows_.row(node), dims_, values);
    if (metric_ == base::Metric::cosine && !factors_.empty()) {
      for (std::size_t i = 0; i < dims_; ++i) values[i] *= factors_[node];
    }
    query.numbers = values;
    query.squared = metric_ == base::Metric::l2 ? factors_[node] : 0.0f;
    return;
  }
  float* vector = query.values.data() + dims_;
  read(node, vector);
  prepare(vector, query);
}

void RowVectors::read(std::uint32_t node, float* out) const {
  decode(form_, dims_, rows_.row(node), out);
  if (metric_ != base::Metric::cosine || factors_.empty()) return;
  for (std::size_t i = 0; i < dims_; ++i) out[i] *= factors_[node];
}

/// Inner products with the rows as they are.
void RowVectors::products(const Query& query, std::span<const std::uint32_t> nodes, float* out) const {
  switch (form_) {
    case RowForm::float32: loops_.floats(query.numbers, rows_, nodes.data(), nodes.size(), dims_, out); break;
    case RowForm::split32: loops_.uppers(query.numbers, rows_, nodes.data(), nodes.size(), dims_, out); break;
    case RowForm::float16:
      loops_.halves(query.numbers, rows_, nodes.data(), nodes.size(), dims_, out);
      for (std::size_t i = 0; i < nodes.size(); ++i) out[i] *= get<float>(rows_.row(nodes[i]) - 4);
      break;
    case RowForm::lvq8:
      loops_.bytes(query.words.data(), rows_, nodes.data(), nodes.size(), dims_, out);
      for (std::size_t i = 0; i < nodes.size(); ++i) {
        const std::uint8_t* header = rows_.row(nodes[i]) - 8;
        out[i] = get<float>(header) * query.sum + get<float>(header + 4) * query.step * out[i];
      }
      break;
  }
}

void RowVectors::distances(const Query& query, std::span<const std::uint32_t> nodes, float* out) const {
  products(query, nodes, out);
  // Rows of a damaged file may hold anything: what is no number counts as farthest, for NaN has no place in an order.
  constexpr float farthest = std::numeric_limits<float>::infinity();
  const auto at_least_zero = [](float distance) { return distance >= 0 ? distance : distance < 0 ? 0.0f : farthest; };
  switch (metric_) {
    case base::Metric::ip:
      for (std::size_t i = 0; i < nodes.size(); ++i) out[i] = out[i] == out[i] ? -out[i] : farthest;
      break;
    case base::Metric::cosine:
      for (std::size_t i = 0; i < nodes.size(); ++i) {
        const float cosine = factors_.empty() ? out[i] : out[i] * factors_[nodes[i]];
        out[i] = at_least_zero(1.0f - cosine);
      }
      break;
    case base::Metric::l2:
      for (std::size_t i = 0; i < nodes.size(); ++i) {
        out[i] = at_least_zero(query.squared + factors_[nodes[i]] - 2.0f * out[i]);
      }
      break;
  }
}

}  // namespace embedless::graph
