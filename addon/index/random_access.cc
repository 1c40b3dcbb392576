#include "index/random_access.h"

#include <algorithm>
#include <cmath>

#include "index/code_store.h"

namespace embedless::index {

void RandomAccess::prepare(const Snapshot& snapshot) const {
  std::call_once(prepared_, [&] {
    std::vector<std::uint64_t> live;
    for (std::size_t i = 0; i < snapshot.blocks(); ++i) {
      blocks_.push_back(snapshot.block(i));
      live.push_back(snapshot.live_word(i));
    }
    if (snapshot.live() != snapshot.count()) live_ = std::move(live);
    for (std::size_t i = 0; i < snapshot.chunks(); ++i) {
      for (const auto& exception : snapshot.chunk(i).exceptions) {
        if (exceptional_.empty()) exceptional_.resize(snapshot.blocks());
        const std::size_t node = i * chunk_nodes + exception.row;
        exceptional_[node / 64] |= std::uint64_t{1} << (node % 64);
      }
    }
  });
}

const std::uint8_t* const* RandomAccess::blocks(const Snapshot& snapshot) const {
  prepare(snapshot);
  return blocks_.data();
}

std::span<const std::uint64_t> RandomAccess::live(const Snapshot& snapshot) const {
  prepare(snapshot);
  return live_;
}

std::span<const std::uint64_t> RandomAccess::exceptional(const Snapshot& snapshot) const {
  prepare(snapshot);
  return exceptional_;
}

std::shared_ptr<const RandomAccess::Factors> RandomAccess::factors_so_far() const {
  const std::lock_guard lock(swapping_);
  return factors_;
}

std::shared_ptr<const RandomAccess::Factors> RandomAccess::factors(const Snapshot& snapshot, graph::RowForm form,
                                                                   std::size_t dims, base::Metric metric,
                                                                   const base::StopFlag* stop) const {
  if (metric == base::Metric::ip) return nullptr;
  const std::lock_guard one(measuring_);
  const auto known = factors_so_far();
  const std::size_t first = known == nullptr ? 0 : known->values.size();
  if (known != nullptr && first == snapshot.count()) return known;
  auto all = std::make_shared<Factors>();
  all->unit = known == nullptr || known->unit;
  all->values.resize(snapshot.count());
  if (known != nullptr) std::copy(known->values.begin(), known->values.end(), all->values.begin());
  const auto fresh = std::span(all->values).subspan(first);
  graph::squared_norms(form, dims, row_places(snapshot), first, fresh, stop);
  if (metric == base::Metric::cosine) {
    for (float& value : fresh) {
      all->unit = all->unit && graph::is_unit(value);
      value = 1.0f / std::sqrt(value);
    }
  }
  const std::lock_guard lock(swapping_);
  factors_ = all;
  return all;
}

graph::RowPlaces row_places(const Snapshot& snapshot) {
  return {.blocks = snapshot.random_access().blocks(snapshot), .shift = 6, .stride = snapshot.layout().stride()};
}

}  // namespace embedless::index
