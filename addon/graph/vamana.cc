#include "graph/vamana.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "base/parallel.h"
#include "base/random.h"
#include "graph/link.h"

namespace embedless::graph {
namespace {

/// Nodes whose vectors are summed, or compared, by one task.
constexpr std::size_t chunk = 1024;

std::vector<float> mean_of(const Vectors& vectors, unsigned threads, const base::StopFlag* stop) {
  const std::size_t count = vectors.count();
  const std::size_t dims = vectors.dims();
  const std::size_t chunks = (count + chunk - 1) / chunk;
  std::vector<double> sums(chunks * dims);
  base::parallel_for(threads, chunks, [&](std::size_t task) {
    base::check(stop);
    std::vector<float> vector(dims);
    for (std::size_t node = task * chunk; node < std::min(count, (task + 1) * chunk); ++node) {
      vectors.read(static_cast<std::uint32_t>(node), vector.data());
      for (std::size_t i = 0; i < dims; ++i) sums[task * dims + i] += vector[i];
    }
  });
  std::vector<float> mean(dims);
  for (std::size_t i = 0; i < dims; ++i) {
    double sum = 0;
    for (std::size_t task = 0; task < chunks; ++task) sum += sums[task * dims + i];
    mean[i] = static_cast<float>(sum / static_cast<double>(count));
  }
  return mean;
}

std::vector<std::uint32_t> shuffled(std::size_t first, std::size_t end, std::uint64_t seed,
                                    const base::StopFlag* stop) {
  std::vector<std::uint32_t> nodes(end - first);
  std::iota(nodes.begin(), nodes.end(), static_cast<std::uint32_t>(first));
  base::Random random(seed);
  for (std::size_t i = nodes.size(); i > 1; --i) {
    if (i % 65536 == 0) base::check(stop);
    std::swap(nodes[i - 1], nodes[random.below(i)]);
  }
  return nodes;
}

LinkOptions link_options(const Vectors& vectors, const Recipe& recipe, const Run& run) {
  LinkOptions link;
  link.alpha = alpha_of(recipe, vectors.metric());
  link.degree = recipe.max_degree;
  link.new_degree = recipe.max_degree;
  link.prune_to = recipe.prune_to != 0 ? recipe.prune_to : recipe.max_degree;
  link.window = recipe.build_window;
  link.max_candidates = recipe.max_candidates != 0 ? recipe.max_candidates : 2 * recipe.build_window;
  link.full_history = recipe.full_search_history;
  link.run = run;
  return link;
}

Recipe vamana_of(Recipe recipe) {
  recipe.kind = Kind::vamana;
  return recipe;
}

}  // namespace

std::uint32_t find_medoid(const Vectors& vectors, unsigned threads, const base::StopFlag* stop) {
  const std::size_t count = vectors.count();
  const std::vector<float> mean = mean_of(vectors, threads, stop);
  Query query;
  vectors.prepare(mean.data(), query);
  std::vector<Found> nearest((count + chunk - 1) / chunk);
  base::parallel_for(threads, nearest.size(), [&](std::size_t task) {
    base::check(stop);
    const std::size_t first = task * chunk;
    std::vector<std::uint32_t> nodes(std::min(chunk, count - first));
    std::iota(nodes.begin(), nodes.end(), static_cast<std::uint32_t>(first));
    std::vector<float> distances(nodes.size());
    vectors.distances(query, nodes, distances.data());
    nearest[task] = {distances[0], nodes[0]};
    for (std::size_t i = 1; i < nodes.size(); ++i) {
      const Found found{distances[i], nodes[i]};
      if (nearer(found, nearest[task])) nearest[task] = found;
    }
  });
  return std::min_element(nearest.begin(), nearest.end(), nearer)->node;
}

Graph build_vamana(const Vectors& vectors, const Recipe& recipe, const Run& run) {
  if (run.progress != nullptr) run.progress->total = recipe.passes * vectors.count();
  const std::uint32_t entry = find_medoid(vectors, run.threads, run.stop);
  auto nodes = shuffled(0, vectors.count(), recipe.seed, run.stop);
  std::iter_swap(nodes.begin(), std::find(nodes.begin(), nodes.end(), entry));
  Linker linker(vectors, link_options(vectors, recipe, run));
  for (std::size_t pass = 0; pass < recipe.passes; ++pass) {
    linker.link(nodes, [entry](std::uint32_t, Walker&, const Query&) { return entry; });
  }
  return {.recipe = vamana_of(recipe), .lists = linker.finish(), .entry = entry, .layers = {}};
}

Graph extend_vamana(const Graph& graph, const Vectors& vectors, const Run& run) {
  const std::size_t first = graph.lists->count();
  if (run.progress != nullptr) run.progress->total = vectors.count() - first;
  LinkOptions options = link_options(vectors, graph.recipe, run);
  options.degree = std::max(options.degree, graph.lists->max_degree());
  Linker linker(vectors, options);
  linker.load(*graph.lists);
  linker.link(shuffled(first, vectors.count(), graph.recipe.seed, run.stop),
              [&](std::uint32_t, Walker&, const Query&) { return graph.entry; });
  return {.recipe = graph.recipe, .lists = linker.finish(), .entry = graph.entry, .layers = {}};
}

}  // namespace embedless::graph
