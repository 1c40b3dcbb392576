#include "graph/row_vectors.h"

#include <gtest/gtest.h>

#include <bit>
#include <numeric>

#include "graph/space.h"

namespace {

using namespace space;

TEST(RowVectors, DistancesAreThoseOfTheVectors) {
  const auto all = vectors(200, 1);
  auto queries = vectors(5, 2);
  for (const Metric metric : metrics) {
    auto admitted = queries;
    if (metric == Metric::cosine) normalise(admitted);
    for (const RowForm form : forms) {
      const Rows rows(form, metric, all);
      std::vector<std::uint32_t> nodes(200);
      std::iota(nodes.begin(), nodes.end(), 0u);
      std::vector<float> found(200);
      graph::Query query;
      const double tolerance = form == RowForm::float32 ? 1e-4 : form == RowForm::float16 ? 0.01 : 0.2;
      for (std::size_t q = 0; q < 5; ++q) {
        rows.vectors->prepare(&admitted[q * dims], query);
        rows.vectors->distances(query, nodes, found.data());
        for (std::size_t i = 0; i < 200; ++i) {
          EXPECT_NEAR(found[i], distance(metric, &queries[q * dims], &all[i * dims]), tolerance)
              << static_cast<int>(form) << static_cast<int>(metric);
        }
      }
    }
  }
}

TEST(RowVectors, ANodeIsNearestToItself) {
  const auto all = vectors(100, 3);
  for (const Metric metric : {Metric::cosine, Metric::l2}) {
    for (const RowForm form : forms) {
      const Rows rows(form, metric, all);
      graph::Query query;
      for (std::uint32_t node = 0; node < 100; ++node) {
        rows.vectors->prepare_node(node, query);
        float own = -1;
        rows.vectors->distances(query, {&node, 1}, &own);
        EXPECT_GE(own, 0.0f);
        EXPECT_LT(own, form == RowForm::lvq8 ? 0.01f : 1e-5f);
      }
    }
  }
}

TEST(RowVectors, SplitRowsGiveBackEveryBit) {
  std::vector<float> values = {0.0f,  -0.0f,  1.0f, -1.0f, 1e-40f,  -1e-38f,
                               1e15f, -1e15f, 0.1f, 0.3f,  3.4e37f, 1.17549435e-38f};
  embedless::base::Random random(4);
  while (values.size() < 4096) {
    const float value = std::bit_cast<float>(static_cast<std::uint32_t>(random.next()));
    if (std::isfinite(value) && std::fabs(value) < 1e38f) values.push_back(value);
  }
  std::vector<std::uint8_t> row(4 * values.size());
  std::vector<float> back(values.size());
  graph::split(reinterpret_cast<const std::uint8_t*>(values.data()), values.size(), row.data());
  graph::unsplit(row.data(), values.size(), reinterpret_cast<std::uint8_t*>(back.data()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(std::bit_cast<std::uint32_t>(values[i]), std::bit_cast<std::uint32_t>(back[i])) << values[i];
  }
}

TEST(RowVectors, NormsCostMemoryOnlyWhereTheyDiffer) {
  auto all = vectors(100, 5);
  EXPECT_EQ(Rows(RowForm::float32, Metric::ip, all).vectors->memory_bytes(), 0u);
  EXPECT_EQ(Rows(RowForm::float32, Metric::cosine, all).vectors->memory_bytes(), 400u);
  EXPECT_EQ(Rows(RowForm::float32, Metric::l2, all).vectors->memory_bytes(), 400u);
  normalise(all);
  EXPECT_EQ(Rows(RowForm::float32, Metric::cosine, all).vectors->memory_bytes(), 0u);
}

}  // namespace
