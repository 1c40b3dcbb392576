#include "kernel/walk.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "kernel/instruction_set.h"

namespace {

namespace kernel = embedless::kernel;

class Walk : public InstructionSet {
 protected:
  /// Rows of random bytes at odd addresses, in two blocks.
  void make(std::size_t row_bytes) {
    stride_ = row_bytes + 3;
    for (auto& memory : memory_) {
      memory.resize(8 * stride_ + 64);
      for (auto& byte : memory) byte = static_cast<std::uint8_t>(random_());
    }
    blocks_[0] = memory_[0].data() + 1;
    blocks_[1] = memory_[1].data() + 2;
  }
  kernel::RowPlaces rows() const { return {blocks_, 3, stride_, 0}; }
  std::uint8_t* row(std::uint32_t node) {
    return memory_[node / 8].data() + (node / 8 == 0 ? 1 : 2) + node % 8 * stride_;
  }

  template <class T>
  void fill(std::uint32_t node, const std::vector<T>& values) {
    std::memcpy(row(node), values.data(), values.size() * sizeof(T));
  }

  std::vector<float> normal(std::size_t n) {
    std::normal_distribution<float> distribution;
    std::vector<float> values(n);
    for (float& value : values) value = distribution(random_);
    return values;
  }

  std::mt19937 random_{11};
  std::vector<std::uint8_t> memory_[2];
  const std::uint8_t* blocks_[2] = {};
  std::size_t stride_ = 0;
};

const std::vector<std::uint32_t> nodes = {3, 15, 0, 8, 7, 3};
const std::size_t sizes[] = {1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 384, 385};

TEST_P(Walk, FloatsAndTheirUpperHalves) {
  for (const std::size_t n : sizes) {
    make(4 * n);
    std::vector<std::vector<float>> vectors;
    for (std::uint32_t node = 0; node < 16; ++node) {
      vectors.push_back(normal(n));
      fill(node, vectors.back());
    }
    const auto query = normal(n);
    std::vector<float> found(nodes.size());
    kernel::walk().floats(query.data(), rows(), nodes.data(), nodes.size(), n, found.data());
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      double sum = 0;
      for (std::size_t j = 0; j < n; ++j) sum += static_cast<double>(query[j]) * vectors[nodes[i]][j];
      EXPECT_NEAR(found[i], sum, 1e-4) << n;
    }
    for (std::uint32_t node = 0; node < 16; ++node) {
      std::vector<std::uint16_t> uppers;
      for (float& value : vectors[node]) {
        std::uint32_t bits;
        std::memcpy(&bits, &value, sizeof bits);
        uppers.push_back(static_cast<std::uint16_t>(bits >> 16));
        bits &= 0xffff0000u;
        std::memcpy(&value, &bits, sizeof bits);
      }
      fill(node, uppers);
    }
    std::vector<float> arranged(n);
    kernel::walk().arrange(query.data(), n, arranged.data());
    std::vector<float> row_arranged(n), row_as_query(n);
    kernel::walk().arrange(vectors[5].data(), n, row_arranged.data());
    kernel::walk().arrange_uppers(row(5), n, row_as_query.data());
    EXPECT_EQ(row_arranged, row_as_query) << n;
    kernel::walk().uppers(arranged.data(), rows(), nodes.data(), nodes.size(), n, found.data());
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      double sum = 0;
      for (std::size_t j = 0; j < n; ++j) sum += static_cast<double>(query[j]) * vectors[nodes[i]][j];
      EXPECT_NEAR(found[i], sum, 1e-4) << n;
    }
  }
}

TEST_P(Walk, HalvesOfEveryKind) {
  // Every float16 but infinities and NaN, against the scalar twin one by one and then in a sum.
  std::vector<std::uint16_t> all;
  for (std::uint32_t half = 0; half < 65536; ++half) {
    if ((half & 0x7c00u) != 0x7c00u) all.push_back(static_cast<std::uint16_t>(half));
  }
  std::vector<float> wide(all.size()), expected(all.size());
  kernel::walk().widen(reinterpret_cast<const std::uint8_t*>(all.data()), all.size(), wide.data());
  kernel::scalar_walk.widen(reinterpret_cast<const std::uint8_t*>(all.data()), all.size(), expected.data());
  EXPECT_EQ(wide, expected);
  for (const std::size_t n : sizes) {
    make(2 * n);
    std::vector<std::vector<std::uint16_t>> halves(16);
    for (std::uint32_t node = 0; node < 16; ++node) {
      for (std::size_t j = 0; j < n; ++j) halves[node].push_back(static_cast<std::uint16_t>(random_() & 0x3fffu));
      fill(node, halves[node]);
    }
    const auto query = normal(n);
    std::vector<float> found(nodes.size());
    kernel::walk().halves(query.data(), rows(), nodes.data(), nodes.size(), n, found.data());
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      std::vector<float> floats(n);
      kernel::scalar_walk.widen(row(nodes[i]), n, floats.data());
      double sum = 0;
      for (std::size_t j = 0; j < n; ++j) sum += static_cast<double>(query[j]) * floats[j];
      EXPECT_NEAR(found[i], sum, 2e-4) << n;
    }
  }
}

TEST_P(Walk, BytesExactly) {
  for (const std::size_t n : sizes) {
    make(n);
    std::vector<std::int16_t> query;
    for (std::size_t j = 0; j < n; ++j) query.push_back(static_cast<std::int16_t>(random_()));
    query[0] = -32768;
    for (auto& word : query) word = static_cast<std::int16_t>(word / 8);
    std::vector<float> found(nodes.size());
    kernel::walk().bytes(query.data(), rows(), nodes.data(), nodes.size(), n, found.data());
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      std::int32_t sum = 0;
      for (std::size_t j = 0; j < n; ++j) sum += query[j] * row(nodes[i])[j];
      EXPECT_EQ(found[i], static_cast<float>(sum)) << n;
    }
  }
}

TEST_P(Walk, NoRows) {
  make(16);
  const std::vector<float> query(4);
  kernel::walk().floats(query.data(), rows(), nullptr, 0, 4, nullptr);
}

INSTANTIATE_TEST_SUITE_P(Tables, Walk, testing::ValuesIn(compiled_tables()), table_name);

}  // namespace
