#include "index/code_distances.h"

#include <algorithm>
#include <array>
#include <utility>

#include "code/vectors.h"
#include "index/pool.h"
#include "kernel/fetch_line.h"

namespace embedless::index {

/// Rows of codes, estimated.
class CodeDistances::Estimates final : public graph::Distances {
 public:
  Estimates(std::shared_ptr<const Snapshot> snapshot, const Scorer& scorer)
      : snapshot_(std::move(snapshot)),
        scorer_(scorer),
        blocks_(snapshot_->random_access().blocks(*snapshot_)),
        exceptional_(snapshot_->random_access().exceptional(*snapshot_)),
        row_(snapshot_->layout().row_bytes) {}

  void distances(const graph::Query&, std::span<const std::uint32_t> nodes, float* out) const override {
    if (snapshot_->layout().transposed) {
      for (std::size_t i = 0; i < nodes.size(); ++i) out[i] = -estimate(nodes[i]);
      return;
    }
    for (std::size_t first = 0; first < nodes.size(); first += most) {
      estimate_rows(nodes.subspan(first, std::min(most, nodes.size() - first)), out + first);
    }
  }

 private:
  static constexpr std::size_t most = 64;

  void estimate_rows(std::span<const std::uint32_t> nodes, float* out) const {
    std::array<const std::uint8_t*, most> rows;
    const std::size_t stride = snapshot_->layout().stride();
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      rows[i] = blocks_[nodes[i] / kernel::block_nodes] + nodes[i] % kernel::block_nodes * stride;
      for (std::size_t at = 0; at < stride; at += 64) kernel::fetch_line(rows[i] + at);
      kernel::fetch_line(rows[i] + stride - 1);
    }
    scorer_.quick_estimates({rows.data(), nodes.size()}, out);
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      out[i] = is_exceptional(nodes[i]) ? -estimate(nodes[i]) : -ordered(out[i]);
    }
  }

  bool is_exceptional(std::uint32_t node) const {
    return !exceptional_.empty() && ((exceptional_[node / 64] >> (node % 64)) & 1u) != 0;
  }

  float estimate(std::uint32_t node) const {
    snapshot_->read_row(node, row_.data());
    if (!is_exceptional(node)) return ordered(scorer_.first_estimate(row_.data()));
    return ordered(scorer_.estimate(row_.data(), snapshot_->exceptions_of(node)));
  }

  std::shared_ptr<const Snapshot> snapshot_;
  const Scorer& scorer_;
  const std::uint8_t* const* blocks_;
  std::span<const std::uint64_t> exceptional_;
  mutable std::vector<std::uint8_t> row_;
};

CodeDistances::CodeDistances(std::shared_ptr<const Snapshot> snapshot, const Coder& coder, const Scorer& scorer,
                             std::span<const float> query, const base::StopFlag* stop) {
  const auto form = row_form(coder, snapshot->layout());
  if (!form) {
    estimates_ = std::make_shared<Estimates>(std::move(snapshot), scorer);
    return;
  }
  vector_.resize(query.size());
  code::admit(coder.metric(), query.data(), query.size(), vector_.data(), "the query");
  stored_.emplace(std::move(snapshot), coder, *form, stop);
  stored_->vectors().prepare(vector_.data(), query_);
}

const graph::Distances& CodeDistances::distances() const {
  if (stored_) return stored_->vectors();
  return *estimates_;
}

}  // namespace embedless::index
