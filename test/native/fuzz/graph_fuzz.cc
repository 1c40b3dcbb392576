// The decoder of graphs, of packed lists and of the layers of HNSW. Parts: the header, then the blocks.

#include <memory>

#include "fuzz/driver.h"
#include "fuzz/use.h"
#include "graph/build.h"
#include "graph/graph_file.h"
#include "graph/repair.h"
#include "graph/thin.h"
#include "index/node_vectors.h"

namespace {

using namespace fuzz;
namespace graph = embedless::graph;

/// A store of kept vectors for graphs of up to so many nodes; every seventh is dead.
struct Nodes {
  explicit Nodes(std::size_t count)
      : store(index::vector_coder(embedless::code::VectorForm::float16, dims, Metric::cosine), index::RowOrder::walk) {
    const auto rows = store.coder()->encode(vectors(count, 11), nullptr);
    std::vector<std::uint32_t> dead;
    for (std::uint32_t node = 3; node < count; node += 7) dead.push_back(node);
    store.publish({.rows = rows.rows, .dead = dead});
  }
  index::CodeStore store;
};

Parts parts_of(const graph::SavedGraph& saved) {
  Parts parts{saved.header};
  parts.insert(parts.end(), saved.blocks.begin(), saved.blocks.end());
  return parts;
}

graph::SavedGraph saved_of(const Parts& parts) {
  graph::SavedGraph saved;
  if (!parts.empty()) saved = {parts[0], {parts.begin() + 1, parts.end()}};
  return saved;
}

Parts seed(std::size_t count, const graph::Recipe& recipe) {
  const Nodes nodes(count);
  const index::NodeVectors vectors(nodes.store.snapshot(), *nodes.store.coder(), 1, nullptr);
  return parts_of(graph::save_graph(graph::build(vectors.vectors(), recipe)));
}

/// What a store does to a graph that it has read: walks, growth, removals, thinning, and saving it again.
void use_graph(const graph::Graph& read, const index::CodeStore& store) {
  const auto snapshot = store.snapshot();
  search(snapshot, *store.coder(), std::make_shared<index::SearchGraph>(read));
  const index::NodeVectors nodes(snapshot, *store.coder(), 1, nullptr);
  const auto live = index::allowed_nodes(*snapshot, nullptr);
  const auto repaired = graph::repair(read, nodes.vectors(), live);
  search(snapshot, *store.coder(),
         std::make_shared<index::SearchGraph>(graph::extend(repaired, nodes.vectors(), {}, live)));
  for (const auto method : {graph::ThinMethod::prune, graph::ThinMethod::hubs, graph::ThinMethod::random}) {
    const auto thin = graph::thin(read, nodes.vectors(), {.method = method, .degree = 3, .alpha = 1.1f});
    expect(thin.lists->count() == read.lists->count(), "thinning changed the nodes");
  }
  std::vector<std::uint32_t> numbers(read.lists->count(), graph::no_node);
  for (std::uint32_t node = 0, next = 0; node < numbers.size(); ++node) {
    if ((live[node / 64] >> (node % 64) & 1) != 0) numbers[node] = next++;
  }
  static_cast<void>(graph::renumber(repaired, numbers));
}

}  // namespace

int main(int argc, char** argv) {
  Decoder decoder{.name = "graph", .seeds = {}, .repair = {}, .run = {}};
  for (const std::size_t count : {1, 2, 40, 90}) {
    decoder.seeds.push_back(seed(count, {.alpha = 1.2f, .max_degree = 8, .build_window = 16}));
    decoder.seeds.push_back(seed(count, {.kind = graph::Kind::hnsw, .m = 2, .ef_construction = 12}));
  }
  decoder.seeds.push_back(seed(4200, {.alpha = 1.2f, .max_degree = 3, .build_window = 4}));
  const Nodes few(100), many(4300);
  decoder.run = [&](const Parts& parts) {
    for (const auto form : {graph::ListForm::flat, graph::ListForm::packed}) {
      const auto read = graph::load_graph(saved_of(parts), form);
      const auto again = graph::load_graph(graph::save_graph(read), form);
      expect(again.lists->count() == read.lists->count() && again.entry == read.entry,
             "saved again it is another graph");
      if (read.lists->count() <= 100)
        use_graph(read, few.store);
      else
        search(many.store.snapshot(), *many.store.coder(), std::make_shared<index::SearchGraph>(read));
    }
  };
  return run(argc, argv, decoder);
}
