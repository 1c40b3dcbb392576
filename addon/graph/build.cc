#include "graph/build.h"

#include <string>

#include "code/error.h"

namespace embedless::graph {

Graph build(const Vectors& vectors, const Recipe& recipe, const Run& run) {
  if (vectors.count() == 0 || vectors.count() > most_nodes) {
    throw code::Error("INVALID_ARGUMENT", "Expected 1 to " + std::to_string(most_nodes) +
                                              " nodes to build a graph of, but received " +
                                              std::to_string(vectors.count()) + ".");
  }
  return recipe.kind == Kind::vamana ? build_vamana(vectors, recipe, run) : build_hnsw(vectors, recipe, run);
}

Graph extend(const Graph& graph, const Vectors& vectors, const Run& run) {
  if (vectors.count() < graph.lists->count() || vectors.count() > most_nodes) {
    throw code::Error("INVALID_ARGUMENT", "Expected " + std::to_string(graph.lists->count()) + " to " +
                                              std::to_string(most_nodes) +
                                              " nodes to extend the graph to, but received " +
                                              std::to_string(vectors.count()) + ".");
  }
  if (vectors.count() == graph.lists->count()) return graph;
  return graph.recipe.kind == Kind::vamana ? extend_vamana(graph, vectors, run) : extend_hnsw(graph, vectors, run);
}

}  // namespace embedless::graph
