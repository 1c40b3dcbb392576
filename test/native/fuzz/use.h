#pragma once

#include <memory>
#include <random>
#include <set>
#include <stdexcept>
#include <vector>

#include "base/crc32.h"
#include "fuzz/mutate.h"
#include "index/decode.h"
#include "index/search_session.h"
#include "index/trained_coder.h"

/// What a store does with what it decoded: encode, decode, search. Whatever the bytes said, that must work or be
/// refused.
namespace fuzz {

namespace index = embedless::index;
using embedless::base::Metric;

inline constexpr std::size_t dims = 16;
inline constexpr Metric metrics[] = {Metric::cosine, Metric::ip, Metric::l2};

/// n vectors whose variance falls from one dim to the next, as that of embeddings does.
inline std::vector<float> vectors(std::size_t n, unsigned seed, std::size_t width = dims) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> all(n * width);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = normal(random) / static_cast<float>(1 + i % width) + 0.1f;
  return all;
}

inline void expect(bool holds, const char* what) {
  if (!holds) throw std::logic_error(what);
}

/// Puts the CRC-32 of all before it into the last four bytes.
inline void repair_crc(Bytes& bytes) {
  if (bytes.size() < 4) return;
  const std::uint32_t sum = embedless::base::crc32({bytes.data(), bytes.size() - 4});
  for (std::size_t i = 0; i < 4; ++i) bytes[bytes.size() - 4 + i] = static_cast<std::uint8_t>(sum >> (8 * i));
}

/// Searches by every mode that fits, feeding vectors for what is wanted; answers must name live nodes, each once.
inline void search(const std::shared_ptr<const index::Snapshot>& snapshot, const index::Coder& coder,
                   const std::shared_ptr<const index::SearchGraph>& graph, const index::Bitmap* filter = nullptr) {
  using index::SearchMode;
  for (const auto mode : {SearchMode::scan, SearchMode::guided, SearchMode::exact, SearchMode::two_level}) {
    if (mode != SearchMode::scan && graph == nullptr) continue;
    if (!coder.estimates() && mode != SearchMode::exact) continue;
    index::SearchOptions options;
    options.rerank = {.k = 5, .recall = 0.9, .cap = 12};
    options.batch = 3;
    options.rerank.scores = mode == SearchMode::guided ? index::Scores::approx : index::Scores::exact;
    options.pool = 20;
    options.graph = {.mode = mode, .graph = graph, .window = 12};
    options.filter = filter;
    options.threads = 1;
    auto session = index::SearchSession::start(snapshot, coder, vectors(1, 7, coder.dims()), options);
    const auto live = snapshot->live_bits();
    std::set<std::uint32_t> asked;
    for (auto wanted = session.ranker().wants(); !wanted.empty(); wanted = session.ranker().wants()) {
      for (const std::uint32_t node : wanted) {
        expect(node < snapshot->count(), "a search wants a node that does not exist");
        expect(asked.insert(node).second, "a search wants a node twice");
      }
      session.feed(wanted, vectors(wanted.size(), wanted[0], coder.dims()), {});
    }
    std::set<std::uint32_t> answered;
    for (const auto& answer : session.ranker().answers()) {
      expect(answer.node < snapshot->count() && (live[answer.node / 8] >> (answer.node % 8) & 1) != 0,
             "an answer is no live node");
      expect(answered.insert(answer.node).second, "a node is answered twice");
    }
    expect(answered.size() <= options.rerank.k, "more answers than asked for");
    static_cast<void>(session.ranker().expected_recall());
  }
}

/// Encodes vectors, decodes them, and searches a store of them.
inline void use(std::shared_ptr<const index::Coder> coder) {
  const auto given = vectors(70, 3, coder->dims());
  const auto rows = coder->encode(given, nullptr);
  expect(coder->decode(rows.rows, rows.exceptions).size() == given.size(), "decoded vectors have another length");
  index::CodeStore store(coder, index::RowOrder::scan);
  store.publish({.rows = rows.rows, .exceptions = rows.exceptions});
  search(store.snapshot(), *coder, nullptr);
  expect(!coder->save().empty(), "nothing is saved");
}

}  // namespace fuzz
