#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <vector>

#include "code/codebook.h"
#include "index/code_store.h"
#include "index/coder.h"
#include "index/trained_coder.h"

/// Random vectors, coders trained on them, and a store kept the plain way to compare with.
namespace corpus {

using embedless::base::Metric;
using embedless::code::Encoded;
using embedless::code::FactorException;
using embedless::index::Coder;
using embedless::index::CodeStore;
using embedless::index::Snapshot;

inline constexpr std::size_t dims = 16;

/// n vectors whose variance falls from one dim to the next, as that of embeddings does.
inline std::vector<float> vectors(std::size_t n, unsigned seed, float norm = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> all(n * dims);
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i] = norm * (normal(random) / static_cast<float>(1 + i % dims) + 0.1f);
  }
  return all;
}

/// A codebook of 5 code bytes; trained once a metric.
inline std::shared_ptr<const Coder> codebook(Metric metric) {
  static std::shared_ptr<const Coder> made[3];
  auto& coder = made[static_cast<std::size_t>(metric)];
  if (!coder) {
    const auto sample = vectors(700, 1);
    coder = embedless::index::codebook_coder(
        embedless::code::Codebook::train(sample, {.dims = dims, .metric = metric, .bytes = 5}));
  }
  return coder;
}

inline std::shared_ptr<const Coder> trained(const embedless::index::CodeChoice& code, Metric metric) {
  return embedless::index::train_coder(vectors(300, 1), {.dims = dims, .metric = metric, .code = code});
}

/// Every kind of coder that a store may hold; made once.
inline const std::vector<std::shared_ptr<const Coder>>& coders() {
  static std::vector<std::shared_ptr<const Coder>> all;
  if (!all.empty()) return all;
  for (const Metric metric : {Metric::cosine, Metric::ip, Metric::l2}) {
    all.push_back(codebook(metric));
    for (const auto levels : {embedless::code::LvqLevels::lvq4, embedless::code::LvqLevels::lvq4x8}) {
      all.push_back(trained({.bytes = 0, .levels = levels}, metric));
    }
    all.push_back(trained({.bytes = 0, .levels = embedless::code::LvqLevels::lvq8, .projected = 9}, metric));
    using embedless::code::VectorForm;
    for (const auto form : {VectorForm::float32, VectorForm::float16, VectorForm::lvq8, VectorForm::int8}) {
      all.push_back(embedless::index::vector_coder(form, dims, metric));
    }
  }
  return all;
}

/// Random rows: any byte is a legal code, and those of codebooks come with exceptions for about every eighth row.
/// Encoding as many vectors would take the tests longer than all the rest.
inline Encoded random_rows(const Coder& coder, std::size_t n, unsigned seed) {
  const auto sample = vectors(256, seed);
  const Encoded real = coder.encode(sample, nullptr);
  const std::size_t width = coder.layout().row_bytes;
  std::mt19937 random(seed + 1);
  Encoded made;
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t from = random() % 256;
    made.rows.insert(made.rows.end(), &real.rows[from * width], &real.rows[from * width] + width);
    if (!coder.layout().transposed) continue;
    made.rows[i * width + random() % coder.layout().subspaces] = static_cast<std::uint8_t>(random());
    for (std::uint8_t factor = 0; factor < 3; ++factor) {
      if (random() % 24 != 0) continue;
      made.exceptions.push_back(
          {static_cast<std::uint16_t>(i), factor, 0, 0.5f + static_cast<float>(random() % 1000) / 1000.0f});
    }
  }
  return made;
}

/// What a store holds, as plain vectors.
struct PlainStore {
  explicit PlainStore(const Coder& coder_) : coder(coder_) {}

  void append(const Encoded& rows_) {
    const std::size_t width = coder.layout().row_bytes;
    const std::size_t first = rows.size();
    for (std::size_t at = 0; at < rows_.rows.size(); at += width) {
      rows.emplace_back(rows_.rows.begin() + static_cast<std::ptrdiff_t>(at),
                        rows_.rows.begin() + static_cast<std::ptrdiff_t>(at + width));
    }
    live.resize(rows.size(), true);
    exceptions.resize(rows.size());
    for (const auto& exception : rows_.exceptions) exceptions[first + exception.row].push_back(exception);
  }

  const Coder& coder;
  std::vector<std::vector<std::uint8_t>> rows;
  std::vector<std::vector<FactorException>> exceptions;
  std::vector<bool> live;
};

/// Fails unless a snapshot holds exactly what the plain store does.
inline void expect_same(const Snapshot& snapshot, const PlainStore& plain) {
  ASSERT_EQ(snapshot.count(), plain.rows.size());
  EXPECT_EQ(snapshot.live(), static_cast<std::size_t>(std::ranges::count(plain.live, true)));
  const auto bits = snapshot.live_bits();
  ASSERT_EQ(bits.size(), (plain.rows.size() + 7) / 8);
  std::vector<std::uint8_t> row(snapshot.layout().row_bytes);
  for (std::uint32_t node = 0; node < plain.rows.size(); ++node) {
    snapshot.read_row(node, row.data());
    ASSERT_EQ(row, plain.rows[node]) << "node " << node;
    ASSERT_EQ((bits[node / 8] >> (node % 8)) & 1, plain.live[node] ? 1 : 0) << "node " << node;
    const auto got = snapshot.exceptions_of(node);
    ASSERT_EQ(got.size(), plain.exceptions[node].size()) << "node " << node;
    for (std::size_t i = 0; i < got.size(); ++i) {
      ASSERT_EQ(got[i].factor, plain.exceptions[node][i].factor);
      ASSERT_EQ(got[i].value, plain.exceptions[node][i].value);
    }
  }
}

}  // namespace corpus
