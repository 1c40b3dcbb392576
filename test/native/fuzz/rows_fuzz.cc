// Rows of every coder, their exceptions, live bits and filters, as a store publishes them. Parts: one byte that chooses
// the coder and the order, the rows, the exceptions, dead nodes, a filter.

#include <cmath>
#include <cstring>

#include "fuzz/driver.h"
#include "fuzz/use.h"
#include "graph/build.h"
#include "index/node_vectors.h"

namespace {

using namespace fuzz;
using embedless::code::FactorException;

constexpr std::size_t rows_of_seed = 130;

std::vector<std::shared_ptr<const index::Coder>> all_coders() {
  using embedless::code::LvqLevels;
  using embedless::code::VectorForm;
  std::vector<std::shared_ptr<const index::Coder>> coders;
  for (const auto metric : metrics) {
    const auto train = [&](const index::CodeChoice& code) {
      coders.push_back(index::train_coder(vectors(300, 1), {.dims = dims, .metric = metric, .code = code}));
    };
    train({.bytes = 5});
    train({.bytes = 0, .levels = LvqLevels::lvq4x8});
    train({.bytes = 0, .levels = LvqLevels::lvq8, .projected = 9});
    for (const auto form : {VectorForm::float32, VectorForm::float16, VectorForm::lvq8, VectorForm::int8}) {
      coders.push_back(index::vector_coder(form, dims, metric));
    }
  }
  return coders;
}

template <class T>
std::vector<T> numbers(const Bytes& bytes) {
  std::vector<T> result(bytes.size() / sizeof(T));
  if (!result.empty()) std::memcpy(result.data(), bytes.data(), result.size() * sizeof(T));
  return result;
}

/// As the binding reads them: entries that no encoder makes are refused, the others put into order.
std::vector<FactorException> exceptions_of(const Bytes& bytes) {
  auto entries = numbers<FactorException>(bytes);
  for (const auto& entry : entries) {
    if (entry.factor > 2 || entry.zero != 0 || !std::isfinite(entry.value)) return {};
  }
  std::ranges::stable_sort(entries, {}, &FactorException::row);
  return entries;
}

Bytes bytes_of(std::span<const FactorException> entries) {
  const auto* from = reinterpret_cast<const std::uint8_t*>(entries.data());
  return {from, from + entries.size_bytes()};
}

void use_rows(const std::shared_ptr<const index::Coder>& coder, index::RowOrder order, const Parts& parts) {
  index::CodeStore store(coder, order);
  const auto exceptions = exceptions_of(parts[2]);
  const auto dead = numbers<std::uint32_t>(parts[3]);
  store.publish({.rows = parts[1], .exceptions = exceptions, .dead = dead});
  const auto snapshot = store.snapshot();
  const index::Bitmap filter(parts[4]);
  search(snapshot, *coder, nullptr);
  search(snapshot, *coder, nullptr, &filter);
  std::vector<std::uint32_t> nodes;
  for (std::uint32_t node = 0; node < snapshot->count(); node += 5) nodes.push_back(node);
  const auto decoded = index::decode_nodes(*snapshot, *coder, nodes);
  expect(decoded.size() == nodes.size() * dims, "decoded vectors have another length");
  if (snapshot->live() == 0 || snapshot->count() > 2 * rows_of_seed) return;
  const index::NodeVectors node_vectors(snapshot, *coder, 1, nullptr);
  const embedless::graph::Recipe recipe{.max_degree = 4, .build_window = 6};
  const auto graph = std::make_shared<index::SearchGraph>(
      embedless::graph::build(node_vectors.vectors(), recipe, {}, index::allowed_nodes(*snapshot, nullptr)));
  search(snapshot, *coder, graph, &filter);
}

}  // namespace

int main(int argc, char** argv) {
  Decoder decoder{.name = "rows", .seeds = {}, .repair = {}, .run = {}};
  const auto coders = all_coders();
  for (std::size_t i = 0; i < coders.size(); ++i) {
    auto encoded = coders[i]->encode(vectors(rows_of_seed, 5), nullptr);
    if (coders[i]->takes_exceptions()) encoded.exceptions = {{0, 0, 0, 0.5f}, {7, 2, 0, 1e30f}, {64, 1, 0, -3.f}};
    const Bytes dead = {1, 0, 0, 0, 65, 0, 0, 0, 129, 0, 0, 0};
    decoder.seeds.push_back({{static_cast<std::uint8_t>(i * 2 + i % 2)},
                             encoded.rows,
                             bytes_of(encoded.exceptions),
                             dead,
                             Bytes(17, 0xb7)});
  }
  decoder.run = [&](const Parts& parts) {
    if (parts.size() < 5 || parts[0].empty()) throw embedless::base::Error("CORRUPT", "a part is missing");
    const auto order = (parts[0][0] & 1) != 0 ? index::RowOrder::walk : index::RowOrder::scan;
    use_rows(coders[parts[0][0] / 2 % coders.size()], order, parts);
  };
  return run(argc, argv, decoder);
}
