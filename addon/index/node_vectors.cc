#include "index/node_vectors.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"
#include "code/vector_form.h"
#include "graph/pages.h"
#include "index/decode.h"

namespace embedless::index {

namespace {

/// Nodes decoded by one task: less than a millisecond of work.
constexpr std::size_t grain = 256;

/// Makes a decoded vector one that a graph can hold: rows that say nothing may come out as zero or, damaged, as no
/// number.
void mend(std::span<float> vector) {
  const auto bad = [](float value) { return !std::isfinite(value) || std::fabs(value) > 1e15f; };
  if (std::ranges::any_of(vector, bad)) std::ranges::fill(vector, 0.0f);
  if (std::ranges::all_of(vector, [](float value) { return std::fabs(value) < 1e-15f; })) vector[0] = 1e-10f;
}

}  // namespace

std::optional<graph::RowForm> row_form(const Coder& coder, const Layout& layout) {
  const std::string kind = coder.kind();
  if (kind == "float32") return layout.split_dims != 0 ? graph::RowForm::split32 : graph::RowForm::float32;
  if (kind == "float16") return graph::RowForm::float16;
  if (kind == "lvq8") return graph::RowForm::lvq8;
  return std::nullopt;
}

StoredVectors::StoredVectors(std::shared_ptr<const Snapshot> snapshot, const Coder& coder, graph::RowForm form,
                             const base::StopFlag* stop)
    : snapshot_(std::move(snapshot)) {
  factors_ = snapshot_->random_access().factors(*snapshot_, form, coder.dims(), coder.metric(), stop);
  std::span<const float> factors;
  if (factors_ != nullptr && !factors_->unit) factors = factors_->values;
  if (factors_ != nullptr && coder.metric() == base::Metric::l2) factors = factors_->values;
  vectors_ = std::make_unique<graph::RowVectors>(form, coder.dims(), coder.metric(), row_places(*snapshot_),
                                                 snapshot_->count(), factors);
}

NodeVectors::NodeVectors(std::shared_ptr<const Snapshot> snapshot, const Coder& coder, unsigned threads,
                         const base::StopFlag* stop) {
  if (!coder.estimates()) {
    throw base::Error("INVALID_ARGUMENT",
                      "Expected an index with vectors or codes, but received one of kind \"none\".");
  }
  if (const auto form = row_form(coder, snapshot->layout())) {
    stored_.emplace(std::move(snapshot), coder, *form, stop);
  } else {
    decode(*snapshot, coder, threads, stop);
  }
}

void NodeVectors::decode(const Snapshot& snapshot, const Coder& coder, unsigned threads, const base::StopFlag* stop) {
  const std::size_t dims = coder.dims();
  const code::VectorRows form{.form = code::VectorForm::float16, .dims = dims, .metric = coder.metric()};
  const std::size_t count = snapshot.count();
  rows_ = graph::allocate_pages(count * form.row_bytes());
  first_row_ = rows_.get();
  base::parallel_for(threads, (count + grain - 1) / grain, [&](std::size_t task) {
    base::check(stop);
    std::vector<std::uint32_t> nodes(std::min(grain, count - task * grain));
    std::iota(nodes.begin(), nodes.end(), static_cast<std::uint32_t>(task * grain));
    std::vector<float> vectors = decode_nodes(snapshot, coder, nodes);
    for (std::size_t i = 0; i < nodes.size(); ++i) mend(std::span(vectors).subspan(i * dims, dims));
    const auto rows = code::encode_vectors(form, vectors, stop);
    std::memcpy(rows_.get() + task * grain * form.row_bytes(), rows.data(), rows.size());
  });
  decoded_ = std::make_unique<graph::RowVectors>(graph::RowForm::float16, dims, coder.metric(),
                                                 graph::RowPlaces{&first_row_, 31, form.row_bytes()}, count, stop);
}

}  // namespace embedless::index
