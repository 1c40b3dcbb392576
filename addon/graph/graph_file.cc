#include "graph/graph_file.h"

#include <algorithm>
#include <bit>
#include <string>
#include <utility>

#include "base/error.h"
#include "graph/hnsw.h"
#include "graph/packed.h"

namespace embedless::graph {
namespace {

constexpr std::uint32_t magic = 0x46524745;  // "EGRF"
constexpr std::uint32_t version = 1;
constexpr std::size_t recipe_at = 6;
constexpr std::size_t recipe_numbers = 11;
constexpr std::size_t fixed_numbers = recipe_at + recipe_numbers;

[[noreturn]] void corrupt(const std::string& what) {
  throw base::Error("CORRUPT", "The graph is damaged: " + what + ".");
}

void put(std::vector<std::uint8_t>& to, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) to.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

std::uint32_t number_at(std::span<const std::uint8_t> from, std::size_t i) {
  std::uint32_t value = 0;
  for (std::size_t b = 0; b < 4; ++b) value |= static_cast<std::uint32_t>(from[4 * i + b]) << (8 * b);
  return value;
}

void put(std::vector<std::uint8_t>& to, const Recipe& recipe) {
  for (const std::uint32_t number :
       {static_cast<std::uint32_t>(recipe.kind), static_cast<std::uint32_t>(recipe.seed),
        static_cast<std::uint32_t>(recipe.seed >> 32), std::bit_cast<std::uint32_t>(recipe.alpha), recipe.max_degree,
        recipe.build_window, recipe.max_candidates, recipe.prune_to,
        static_cast<std::uint32_t>(recipe.full_search_history) | recipe.passes << 1, recipe.m,
        recipe.ef_construction}) {
    put(to, number);
  }
}

/// The recipe in a header that is long enough.
Recipe read_recipe(std::span<const std::uint8_t> header) {
  const auto number = [header](std::size_t i) { return number_at(header, recipe_at + i); };
  if (number(0) > 1) corrupt("it is of no known kind");
  Recipe recipe;
  recipe.kind = static_cast<Kind>(number(0));
  recipe.seed = number(1) | static_cast<std::uint64_t>(number(2)) << 32;
  recipe.alpha = std::bit_cast<float>(number(3));
  recipe.max_degree = number(4);
  recipe.build_window = number(5);
  recipe.max_candidates = number(6);
  recipe.prune_to = number(7);
  recipe.full_search_history = (number(8) & 1u) != 0;
  recipe.passes = number(8) >> 1;
  recipe.m = number(9);
  recipe.ef_construction = number(10);
  if (!is_possible(recipe)) corrupt("nothing can be built with its recipe");
  return recipe;
}

void append(std::vector<std::vector<std::uint8_t>>& blocks, const PackedAdjacency& lists) {
  for (std::size_t i = 0; i < lists.blocks(); ++i) {
    const auto block = lists.block(i);
    blocks.emplace_back(block.begin(), block.end());
  }
}

std::size_t block_count(std::size_t nodes) { return (nodes + packed_block_nodes - 1) / packed_block_nodes; }

/// Hands out the blocks in order.
class Reader {
 public:
  explicit Reader(const SavedGraph& saved) : blocks_(saved.blocks) {}

  std::span<const std::vector<std::uint8_t>> take(std::size_t nodes) {
    const std::size_t wanted = block_count(nodes);
    if (wanted > blocks_.size()) corrupt("blocks are missing");
    const auto taken = blocks_.first(wanted);
    blocks_ = blocks_.subspan(wanted);
    return taken;
  }
  bool empty() const { return blocks_.empty(); }

 private:
  std::span<const std::vector<std::uint8_t>> blocks_;
};

std::vector<std::uint32_t> read_members(std::span<const std::vector<std::uint8_t>> blocks, std::size_t count) {
  std::vector<std::uint32_t> members;
  for (const auto& block : blocks) {
    const std::size_t expected = std::min(packed_block_nodes, count - members.size());
    if (block.size() != 4 * expected) corrupt("a block of members has another length");
    for (std::size_t i = 0; i < expected; ++i) members.push_back(number_at(block, i));
  }
  return members;
}

void check_members(const std::vector<std::uint32_t>& members, const std::vector<Layer>& below, std::size_t nodes) {
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (i > 0 && members[i] <= members[i - 1]) corrupt("the members of a layer are not in order");
    if (members[i] >= nodes) corrupt("a member of a layer does not exist");
    if (!below.empty() && !std::ranges::binary_search(below.back().members, members[i])) {
      corrupt("a member of a layer is missing in the one below");
    }
  }
}

}  // namespace

std::shared_ptr<FlatAdjacency> flatten(const Adjacency& lists) {
  auto flat = std::make_shared<FlatAdjacency>(lists.count(), lists.max_degree());
  std::vector<std::uint32_t> room(lists.room_nodes());
  for (std::size_t i = 0; i < lists.count(); ++i) {
    const auto node = static_cast<std::uint32_t>(i);
    flat->set(node, lists.neighbors(node, room.data()));
  }
  return flat;
}

SavedGraph save_graph(const Graph& graph, const base::StopFlag* stop) {
  SavedGraph saved;
  const PackedAdjacency lists(*graph.lists, stop);
  for (const std::uint32_t number :
       {magic, version, static_cast<std::uint32_t>(lists.count()), static_cast<std::uint32_t>(lists.max_degree()),
        graph.entry, static_cast<std::uint32_t>(graph.layers.size())}) {
    put(saved.header, number);
  }
  put(saved.header, graph.recipe);
  append(saved.blocks, lists);
  for (const Layer& layer : graph.layers) {
    const PackedAdjacency packed(*layer.lists, stop);
    put(saved.header, static_cast<std::uint32_t>(layer.members.size()));
    put(saved.header, static_cast<std::uint32_t>(packed.max_degree()));
    for (std::size_t i = 0; i < layer.members.size(); ++i) {
      if (i % packed_block_nodes == 0) saved.blocks.emplace_back();
      put(saved.blocks.back(), layer.members[i]);
    }
    append(saved.blocks, packed);
  }
  return saved;
}

Graph load_graph(const SavedGraph& saved, ListForm form, const base::StopFlag* stop) {
  const std::span<const std::uint8_t> header = saved.header;
  if (header.size() < 4 * fixed_numbers || number_at(header, 0) != magic) corrupt("its header is none");
  if (number_at(header, 1) != version) {
    throw base::Error("FORMAT_VERSION", "Expected a graph of version " + std::to_string(version) +
                                            ", but received one of version " + std::to_string(number_at(header, 1)) +
                                            ".");
  }
  const std::size_t nodes = number_at(header, 2);
  const std::size_t layers = number_at(header, 5);
  Graph graph;
  graph.entry = number_at(header, 4);
  if (nodes == 0 || graph.entry >= nodes) corrupt("its entry does not exist");
  if (layers > most_layers || header.size() != 4 * (fixed_numbers + 2 * layers))
    corrupt("its header has another length");
  graph.recipe = read_recipe(header);
  Reader reader(saved);
  auto lists = std::make_shared<PackedAdjacency>(nodes, number_at(header, 3), reader.take(nodes), stop);
  for (std::size_t i = 0; i < layers; ++i) {
    const std::size_t count = number_at(header, fixed_numbers + 2 * i);
    if (count == 0 || count > nodes) corrupt("a layer has no possible number of members");
    Layer layer;
    layer.members = read_members(reader.take(count), count);
    check_members(layer.members, graph.layers, nodes);
    layer.lists = flatten(PackedAdjacency(count, number_at(header, fixed_numbers + 2 * i + 1), reader.take(count)));
    graph.layers.push_back(std::move(layer));
  }
  if (!reader.empty()) corrupt("it has blocks too many");
  if (!graph.layers.empty() && !std::ranges::binary_search(graph.layers.back().members, graph.entry)) {
    corrupt("its entry is not in the topmost layer");
  }
  if (form == ListForm::flat) {
    graph.lists = flatten(*lists);
  } else {
    graph.lists = std::move(lists);
  }
  return graph;
}

}  // namespace embedless::graph
