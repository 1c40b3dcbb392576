// Graphs on real vectors: seconds of a build, nanoseconds to read a list, then recall@10 and microseconds a query for a
// ladder of windows, one thread.
//
//   graph_bench [folder with passages.f16, questions.f32, sentences.f32 = ../shared/data]
//               [vectors = 50,000] [threads = 2]
//               [form = split32 | float32 | float16 | lvq8 | codes]
//               [degree = 32] [window = 128] [passes = 1] [alpha = 1.2] [candidates = 0]
//
// Form codes: a graph on split32, walked on 48-byte codes; recall is the share of the true 10 among the best 50 by
// estimate.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "base/float16.h"
#include "base/random.h"
#include "code/vector_form.h"
#include "graph/packed.h"
#include "graph/pages.h"
#include "graph/row_vectors.h"
#include "graph/search.h"
#include "graph/vamana.h"
#include "index/code_distances.h"
#include "index/trained_coder.h"
#include "kernel/kernel.h"

namespace base = embedless::base;
namespace graph = embedless::graph;
namespace code = embedless::code;

namespace {

constexpr std::size_t dims = 384;
constexpr std::size_t k = 10;

/// Seconds of processor time of all threads: other work on the machine does not count.
template <class Work>
double seconds(Work work) {
  const std::clock_t start = std::clock();
  work();
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

template <class T>
std::vector<T> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "Expected the file %s, but it cannot be read.\n", path.c_str());
    std::exit(1);
  }
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  std::vector<T> values(bytes.size() / sizeof(T));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
  return values;
}

void normalise(std::vector<float>& vectors) {
  for (std::size_t at = 0; at < vectors.size(); at += dims) {
    const float norm = std::sqrt(embedless::kernel::active().squared_norm(&vectors[at], dims));
    for (std::size_t i = 0; i < dims; ++i) vectors[at + i] /= norm;
  }
}

/// The k nearest nodes of each query, by exact inner products.
std::vector<std::uint32_t> exact(const std::vector<float>& vectors, const std::vector<float>& queries) {
  const std::size_t count = vectors.size() / dims;
  std::vector<std::uint32_t> truth;
  std::vector<std::pair<float, std::uint32_t>> scores(count);
  for (std::size_t q = 0; q < queries.size(); q += dims) {
    for (std::size_t i = 0; i < count; ++i) {
      scores[i] = {-embedless::kernel::active().dot(&queries[q], &vectors[i * dims], dims),
                   static_cast<std::uint32_t>(i)};
    }
    std::partial_sort(scores.begin(), scores.begin() + k, scores.end());
    for (std::size_t i = 0; i < k; ++i) truth.push_back(scores[i].second);
  }
  return truth;
}

struct Rows {
  graph::RowForm form;
  std::size_t stride;
  std::shared_ptr<std::uint8_t> memory;
  const std::uint8_t* block;

  Rows(graph::RowForm wanted, const std::vector<float>& vectors)
      : form(wanted), stride(graph::row_bytes(wanted, dims)) {
    const std::size_t count = vectors.size() / dims;
    memory = graph::allocate_pages(count * stride);
    block = memory.get();
    if (form == graph::RowForm::split32) {
      for (std::size_t i = 0; i < count; ++i) {
        graph::split(reinterpret_cast<const std::uint8_t*>(&vectors[i * dims]), dims, memory.get() + i * stride);
      }
      return;
    }
    const code::VectorForm forms[] = {code::VectorForm::float32, code::VectorForm::float32, code::VectorForm::float16,
                                      code::VectorForm::lvq8};
    const auto encoded = code::encode_vectors({forms[static_cast<int>(form)], dims, base::Metric::cosine}, vectors);
    std::memcpy(memory.get(), encoded.data(), encoded.size());
  }
  graph::RowPlaces places() const { return {&block, 31, stride}; }
};

double recall(const std::vector<std::uint32_t>& truth, const std::vector<std::uint32_t>& found) {
  std::size_t hits = 0;
  for (std::size_t q = 0; q < truth.size(); q += k) {
    for (std::size_t i = 0; i < k; ++i) {
      hits += static_cast<std::size_t>(std::count(found.begin() + static_cast<std::ptrdiff_t>(q),
                                                  found.begin() + static_cast<std::ptrdiff_t>(q + k), truth[q + i]));
    }
  }
  return static_cast<double>(hits) / static_cast<double>(truth.size());
}

/// The share of the true 10 among the best 50 by estimate, and the time of a walk with that of its tables.
void code_ladder(const char* name, const graph::Graph& built, const embedless::index::CodeStore& store,
                 const std::vector<float>& queries, const std::vector<std::uint32_t>& truth) {
  constexpr std::size_t kept = 50;
  const auto snapshot = store.snapshot();
  graph::Walker walker;
  for (const std::size_t window : {50, 100, 200, 400}) {
    double best = 1e9, distances = 0;
    std::size_t hits = 0;
    for (int round = 0; round < 3; ++round) {
      distances = 0;
      hits = 0;
      best = std::min(
          best, seconds([&] {
            for (std::size_t q = 0; q < queries.size() / dims; ++q) {
              const std::span query(&queries[q * dims], dims);
              const auto scorer = store.coder()->prepare(query);
              const embedless::index::CodeDistances codes(snapshot, *store.coder(), *scorer, query, nullptr);
              const auto found =
                  built.search(codes.distances(), codes.query(), {.window = window, .capacity = 512}, walker);
              distances += static_cast<double>(walker.distances());
              for (std::size_t i = 0; i < k; ++i) {
                const auto first = found.first(std::min(kept, found.size()));
                hits += static_cast<std::size_t>(std::ranges::count(first, truth[q * k + i], &graph::Found::node));
              }
            }
          }));
    }
    const auto n = static_cast<double>(queries.size() / dims);
    std::printf("  %-9s window %3zu  10 in 50   %.4f  %7.1f us  %6.0f distances  %5.1f ns a distance\n", name, window,
                static_cast<double>(hits) / static_cast<double>(truth.size()), best / n * 1e6, distances / n,
                best / distances * 1e9);
  }
}

/// Codes of all vectors, trained on a part, row after row.
std::unique_ptr<embedless::index::CodeStore> code_store(const std::vector<float>& vectors, unsigned threads) {
  const std::size_t sample = std::min<std::size_t>(vectors.size() / dims, 4096);
  const auto coder = embedless::index::train_coder(std::span(vectors).first(sample * dims),
                                                   {.dims = dims, .code = {}, .threads = threads});
  auto store = std::make_unique<embedless::index::CodeStore>(coder, embedless::index::RowOrder::walk);
  constexpr std::size_t part = 8192 * dims;
  for (std::size_t first = 0; first < vectors.size(); first += part) {
    const auto rows = coder->encode(std::span(vectors).subspan(first, std::min(part, vectors.size() - first)), nullptr);
    store->publish({.rows = rows.rows, .exceptions = rows.exceptions});
  }
  return store;
}

void ladder(const char* name, const graph::Adjacency& lists, std::uint32_t entry, const graph::Vectors& vectors,
            const std::vector<float>& queries, const std::vector<std::uint32_t>& truth) {
  graph::Walker walker;
  graph::Query query;
  std::vector<std::uint32_t> found(truth.size());
  const std::size_t count = queries.size() / dims;
  for (const std::size_t window : {10, 16, 24, 32, 48, 64, 96, 128, 192, 256}) {
    double best = 1e9;
    double distances = 0, hops = 0;
    for (int round = 0; round < 3; ++round) {
      distances = hops = 0;
      best = std::min(best, seconds([&] {
                        for (std::size_t q = 0; q < count; ++q) {
                          vectors.prepare(&queries[q * dims], query);
                          const auto result = walker.search(lists, vectors, query, {&entry, 1}, {.window = window});
                          for (std::size_t i = 0; i < k; ++i)
                            found[q * k + i] = i < result.size() ? result[i].node : graph::no_node;
                          distances += static_cast<double>(walker.distances());
                          hops += static_cast<double>(walker.expanded().size());
                        }
                      }));
    }
    const auto n = static_cast<double>(count);
    std::printf("  %-9s window %3zu  recall@10 %.4f  %7.1f us  %6.0f distances  %4.0f hops  %5.1f ns a distance\n",
                name, window, recall(truth, found), best / n * 1e6, distances / n, hops / n, best / distances * 1e9);
  }
}

/// Nanoseconds to read the list of a node at random, where lists are flat and where they are packed.
void list_access(const graph::Adjacency& flat) {
  const graph::PackedAdjacency packed(flat);
  std::vector<std::uint32_t> room(std::max(flat.room_nodes(), packed.room_nodes()));
  const auto nanoseconds = [&](const graph::Adjacency& lists) {
    constexpr std::size_t reads = 10'000;
    base::Random random(1);
    double best = 1e9;
    std::size_t sum = 0;
    for (int round = 0; round < 100; ++round) {
      best = std::min(best, seconds([&] {
                        for (std::size_t i = 0; i < reads; ++i) {
                          const auto list =
                              lists.neighbors(static_cast<std::uint32_t>(random.below(lists.count())), room.data());
                          sum += list.empty() ? 0 : list.back();
                        }
                      }));
    }
    return sum == 0 ? 0 : best / reads * 1e9;
  };
  std::size_t edges = 0;
  for (std::uint32_t node = 0; node < flat.count(); ++node) edges += packed.degree(node);
  std::printf("a list at random: %.0f ns flat, %.0f ns packed; packed lists take %.2f bits an edge in memory\n",
              nanoseconds(flat), nanoseconds(packed),
              8.0 * static_cast<double>(packed.memory_bytes()) / static_cast<double>(edges));
}

const char* argument(int count, char** values, int index, const char* otherwise) {
  return count > index ? values[index] : otherwise;
}

}  // namespace

int main(int count, char** values) {
  const std::string folder = argument(count, values, 1, "../shared/data");
  const auto wanted = static_cast<std::size_t>(std::atoll(argument(count, values, 2, "50000")));
  const auto threads = static_cast<unsigned>(std::atoi(argument(count, values, 3, "2")));
  const std::string asked = argument(count, values, 4, "split32");
  const std::string form_name = asked == "codes" ? "split32" : asked;
  const auto halves = read_file<std::uint16_t>(folder + "/passages.f16");
  std::vector<float> vectors(std::min(wanted * dims, halves.size()));
  for (std::size_t i = 0; i < vectors.size(); ++i) vectors[i] = base::from_half(halves[i]);
  normalise(vectors);
  auto questions = read_file<float>(folder + "/questions.f32");
  auto sentences = read_file<float>(folder + "/sentences.f32");
  normalise(questions);
  normalise(sentences);
  const auto question_truth = exact(vectors, questions);
  const auto sentence_truth = exact(vectors, sentences);

  const char* names[] = {"float32", "split32", "float16", "lvq8"};
  const auto form = static_cast<graph::RowForm>(std::find(names, names + 4, form_name) - names);
  const Rows rows(form, vectors);
  const graph::RowVectors space(form, dims, base::Metric::cosine, rows.places(), vectors.size() / dims);
  graph::Recipe options;
  options.max_degree = static_cast<std::uint32_t>(std::atoi(argument(count, values, 5, "32")));
  options.build_window = static_cast<std::uint32_t>(std::atoi(argument(count, values, 6, "128")));
  options.passes = static_cast<std::uint32_t>(std::atoi(argument(count, values, 7, "1")));
  options.alpha = static_cast<float>(std::atof(argument(count, values, 8, "1.2")));
  options.max_candidates = static_cast<std::uint32_t>(std::atoi(argument(count, values, 9, "0")));
  graph::Graph built;
  const auto start = std::chrono::steady_clock::now();
  const double build = seconds([&] { built = build_vamana(space, options, {.threads = threads}); });
  std::vector<std::uint32_t> room(built.lists->room_nodes());
  std::size_t edges = 0;
  for (std::uint32_t node = 0; node < space.count(); ++node) edges += built.lists->neighbors(node, room.data()).size();
  std::printf(
      "%zu vectors, %s, degree %u, window %u, alpha %g: built in %.2f s by %u threads (%.2f s of processor), %.2f "
      "edges a node\n",
      space.count(), form_name.c_str(), options.max_degree, options.build_window, static_cast<double>(options.alpha),
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(), threads, build,
      static_cast<double>(edges) / static_cast<double>(space.count()));
  list_access(*built.lists);
  if (asked == "codes") {
    const auto store = code_store(vectors, threads);
    code_ladder("questions", built, *store, questions, question_truth);
    code_ladder("sentences", built, *store, sentences, sentence_truth);
    return 0;
  }
  ladder("questions", *built.lists, built.entry, space, questions, question_truth);
  ladder("sentences", *built.lists, built.entry, space, sentences, sentence_truth);
}
