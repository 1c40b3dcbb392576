// Packed lists and graph files: they give back what went in, and nothing else gets through.

#include "graph/packed.h"

#include <gtest/gtest.h>

#include <string>

#include "base/error.h"
#include "graph/graph_file.h"
#include "graph/hnsw.h"
#include "graph/space.h"
#include "graph/thin.h"
#include "graph/vamana.h"

namespace {

using namespace space;
using graph::FlatAdjacency;
using graph::PackedAdjacency;

/// Lists of random lengths up to `degree`, the first one empty, the second full.
std::shared_ptr<FlatAdjacency> random_lists(std::size_t count, std::size_t degree, std::uint64_t seed) {
  auto lists = std::make_shared<FlatAdjacency>(count, degree);
  embedless::base::Random random(seed);
  for (std::uint32_t node = 0; node < count; ++node) {
    const std::size_t most = std::min(degree, count - 1);
    std::size_t length = node == 0 ? 0 : node == 1 ? most : random.below(most + 1);
    std::vector<std::uint32_t> list;
    while (list.size() < length) {
      const auto neighbor = static_cast<std::uint32_t>(random.below(count));
      if (neighbor != node && std::count(list.begin(), list.end(), neighbor) == 0) list.push_back(neighbor);
    }
    lists->set(node, list);
  }
  return lists;
}

std::vector<std::vector<std::uint8_t>> blocks_of(const PackedAdjacency& packed) {
  std::vector<std::vector<std::uint8_t>> blocks;
  for (std::size_t i = 0; i < packed.blocks(); ++i) blocks.emplace_back(packed.block(i).begin(), packed.block(i).end());
  return blocks;
}

TEST(Packed, GivesBackEveryList) {
  for (const std::size_t count : {1u, 2u, 3u, 17u, 100u, 4095u, 4096u, 4097u, 9000u}) {
    for (const std::size_t degree : {1u, 5u, 16u, 32u, 255u}) {
      const auto lists = random_lists(count, degree, count + degree);
      const PackedAdjacency packed(*lists);
      const PackedAdjacency loaded(count, packed.max_degree(), blocks_of(packed));
      ASSERT_EQ(packed.count(), count);
      for (std::uint32_t node = 0; node < count; ++node) {
        auto expected = list_of(*lists, node);
        std::sort(expected.begin(), expected.end());
        ASSERT_EQ(list_of(packed, node), expected) << count << " " << degree << " " << node;
        ASSERT_EQ(list_of(loaded, node), expected);
      }
      for (std::uint32_t node = 0; node < count; node += 97) packed.fetch(node);
    }
  }
}

TEST(Packed, TakesAtMostSixteenBitsAnEdge) {
  for (const std::size_t degree : {12u, 16u, 24u, 32u, 64u}) {
    FlatAdjacency lists(100'000, degree);
    embedless::base::Random random(30);
    for (std::uint32_t node = 0; node < 100'000; ++node) {
      std::vector<std::uint32_t> list;
      while (list.size() < degree) {
        const auto neighbor = static_cast<std::uint32_t>(random.below(100'000));
        if (neighbor != node && std::count(list.begin(), list.end(), neighbor) == 0) list.push_back(neighbor);
      }
      lists.set(node, list);
    }
    const PackedAdjacency packed(lists);
    const double bytes = static_cast<double>(packed.memory_bytes()) / 100'000;
    EXPECT_LE(8 * bytes / static_cast<double>(degree), 16.0) << degree;
    EXPECT_NEAR(bytes, graph::packed_bytes(100'000, degree), 0.05) << degree;
  }
  EXPECT_EQ(graph::degree_for_bytes(100'000, graph::packed_bytes(100'000, 12)), 12u);
  EXPECT_LE(graph::packed_bytes(50'000, 12), 25.0);
}

TEST(Packed, RefusesListsTooLong) {
  FlatAdjacency one(400, 256);
  std::vector<std::uint32_t> list;
  for (std::uint32_t node = 1; node <= 256; ++node) list.push_back(node);
  one.set(0, list);
  EXPECT_THROW(PackedAdjacency{one}, embedless::base::Error);
}

std::string load_code(const graph::SavedGraph& saved) {
  try {
    const graph::Graph loaded = load_graph(saved, graph::ListForm::packed);
    // Whatever was accepted can be walked.
    for (std::uint32_t node = 0; node < loaded.lists->count(); ++node) {
      for (const std::uint32_t neighbor : list_of(*loaded.lists, node)) EXPECT_LT(neighbor, loaded.lists->count());
    }
    EXPECT_LT(loaded.entry, loaded.lists->count());
    for (const auto& layer : loaded.layers) {
      for (const auto& list : lists_of(*layer.lists)) {
        for (const std::uint32_t slot : list) EXPECT_LT(slot, layer.members.size());
      }
    }
    return "loaded";
  } catch (const embedless::base::Error& error) {
    return error.code;
  }
}

graph::Graph hnsw() {
  const auto all = vectors(600, 32);
  return build_hnsw(*Rows(RowForm::float32, Metric::l2, all).vectors, {.m = 4, .ef_construction = 20});
}

TEST(GraphFile, GivesBackTheGraph) {
  const graph::Graph built = hnsw();
  ASSERT_GE(built.layers.size(), 2u);
  const auto saved = save_graph(built);
  for (const auto form : {graph::ListForm::flat, graph::ListForm::packed}) {
    const graph::Graph loaded = load_graph(saved, form);
    EXPECT_EQ(loaded.entry, built.entry);
    const auto sorted = [](std::vector<std::vector<std::uint32_t>> lists) {
      for (auto& list : lists) std::sort(list.begin(), list.end());
      return lists;
    };
    EXPECT_EQ(lists_of(*loaded.lists), sorted(lists_of(*built.lists)));
    ASSERT_EQ(loaded.layers.size(), built.layers.size());
    for (std::size_t i = 0; i < built.layers.size(); ++i) {
      EXPECT_EQ(loaded.layers[i].members, built.layers[i].members);
      EXPECT_EQ(lists_of(*loaded.layers[i].lists), sorted(lists_of(*built.layers[i].lists)));
    }
    const auto again = save_graph(loaded);
    EXPECT_EQ(again.header, saved.header);
    EXPECT_EQ(again.blocks, saved.blocks);
  }
}

TEST(GraphFile, NoSingleByteCrashesIt) {
  const auto saved = save_graph(hnsw());
  std::size_t refused = 0, tried = 0;
  const auto attempt = [&](std::vector<std::uint8_t>& bytes, std::size_t at, graph::SavedGraph& damaged) {
    const std::uint8_t before = bytes[at];
    for (const std::uint8_t change : {0x01, 0x10, 0x80, 0xff}) {
      bytes[at] = before ^ change;
      const std::string code = load_code(damaged);
      EXPECT_TRUE(code == "CORRUPT" || code == "FORMAT_VERSION" || code == "loaded") << code;
      refused += code != "loaded" ? 1 : 0;
      ++tried;
    }
    bytes[at] = before;
  };
  graph::SavedGraph damaged = saved;
  for (std::size_t at = 0; at < damaged.header.size(); ++at) attempt(damaged.header, at, damaged);
  for (auto& block : damaged.blocks) {
    for (std::size_t at = 0; at < block.size(); at += 1 + block.size() / 200) attempt(block, at, damaged);
  }
  EXPECT_GT(refused, tried / 4);
}

TEST(GraphFile, RefusesWhatIsNone) {
  const auto saved = save_graph(hnsw());
  embedless::base::Random random(33);
  const auto change = [&](auto work) {
    graph::SavedGraph damaged = saved;
    work(damaged);
    return load_code(damaged);
  };
  EXPECT_EQ(change([](auto& graph) { graph.header.clear(); }), "CORRUPT");
  EXPECT_EQ(change([](auto& graph) { graph.header.pop_back(); }), "CORRUPT");
  EXPECT_EQ(change([](auto& graph) { graph.header[4] = 2; }), "FORMAT_VERSION");
  EXPECT_EQ(change([](auto& graph) { graph.blocks.pop_back(); }), "CORRUPT");
  EXPECT_EQ(change([](auto& graph) { graph.blocks.emplace_back(); }), "CORRUPT");
  EXPECT_EQ(change([](auto& graph) { graph.blocks[0].clear(); }), "CORRUPT");
  EXPECT_EQ(change([](auto& graph) { graph.blocks[0].push_back(0); }), "CORRUPT");
  EXPECT_EQ(change([](auto& graph) { std::swap(graph.blocks[0], graph.blocks[1]); }), "CORRUPT");
  for (int round = 0; round < 300; ++round) {
    EXPECT_EQ(change([&](auto& graph) {
                for (auto& block : graph.blocks) {
                  for (auto& byte : block) byte = static_cast<std::uint8_t>(random.next());
                }
              }),
              "CORRUPT");
    const std::string code = change([&](auto& graph) {
      for (std::size_t at = 8; at < graph.header.size(); ++at)
        graph.header[at] = static_cast<std::uint8_t>(random.next());
    });
    EXPECT_EQ(code, "CORRUPT");
  }
}

TEST(Thin, KeepsWhatMatters) {
  const auto all = vectors(3000, 34);
  const Rows rows(RowForm::float32, Metric::l2, all);
  const graph::Graph full = build_vamana(*rows.vectors, {.max_degree = 24, .build_window = 60});
  const auto queries = vectors(80, 35);
  graph::Walker walker;
  graph::Query query;
  const auto mean_recall = [&](const graph::Adjacency& lists) {
    double sum = 0;
    for (std::size_t q = 0; q < 80; ++q) {
      rows.vectors->prepare(&queries[q * dims], query);
      const auto found = walker.search(lists, *rows.vectors, query, {&full.entry, 1}, {.window = 24});
      sum += recall(nearest(Metric::l2, all, &queries[q * dims], 10), found);
    }
    return sum / 80;
  };
  const auto pruned = thin(full, *rows.vectors, {.degree = 8}).lists;
  const auto hubs =
      thin(full, *rows.vectors, {.method = graph::ThinMethod::hubs, .degree = 8, .hub_share = 0.05}).lists;
  const auto random = thin(full, *rows.vectors, {.method = graph::ThinMethod::random, .degree = 8}).lists;
  EXPECT_LE(pruned->max_degree(), 8u);
  EXPECT_EQ(random->max_degree(), 8u);
  std::size_t longer = 0;
  for (const auto& list : lists_of(*hubs)) longer += list.size() > 8 ? 1 : 0;
  EXPECT_GT(longer, 100u);
  EXPECT_LE(longer, 150u);
  EXPECT_GT(mean_recall(*pruned), mean_recall(*random));
  EXPECT_GT(mean_recall(*hubs), mean_recall(*random));
  for (const auto method : {graph::ThinMethod::prune, graph::ThinMethod::hubs, graph::ThinMethod::random}) {
    const graph::ThinOptions one{.method = method, .degree = 8, .threads = 1};
    graph::ThinOptions three = one;
    three.threads = 3;
    EXPECT_EQ(lists_of(*thin(full, *rows.vectors, one).lists), lists_of(*thin(full, *rows.vectors, three).lists));
  }
}

}  // namespace
