#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "code/vector_form.h"
#include "graph/adjacency.h"
#include "graph/row_vectors.h"
#include "graph/search.h"

/// Vectors for the tests of graphs, in any form and metric.
namespace space {

namespace graph = embedless::graph;
using embedless::base::Metric;
using graph::RowForm;

inline constexpr std::size_t dims = 24;

/// Vectors in clusters, so that a graph has something to find; seeded.
inline std::vector<float> vectors(std::size_t count, std::uint64_t seed) {
  embedless::base::Random random(seed);
  embedless::base::Random topics(77);
  std::vector<float> centres(20 * dims);
  for (float& value : centres) value = static_cast<float>(topics.symmetric());
  std::vector<float> result;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t topic = random.below(20);
    for (std::size_t j = 0; j < dims; ++j) {
      const double noise = random.symmetric() + random.symmetric();
      result.push_back(centres[topic * dims + j] + static_cast<float>(0.5 * noise));
    }
  }
  return result;
}

inline void normalise(std::vector<float>& vectors) {
  for (std::size_t at = 0; at < vectors.size(); at += dims) {
    double squared = 0;
    for (std::size_t j = 0; j < dims; ++j) squared += static_cast<double>(vectors[at + j]) * vectors[at + j];
    for (std::size_t j = 0; j < dims; ++j) vectors[at + j] = static_cast<float>(vectors[at + j] / std::sqrt(squared));
  }
}

/// Rows in blocks of 64, and the vectors on them.
class Rows {
 public:
  Rows(RowForm form, Metric metric, const std::vector<float>& given)
      : stride_(graph::row_bytes(form, dims)), count_(given.size() / dims) {
    if (form == RowForm::split32) {
      bytes_.resize(count_ * stride_);
      for (std::size_t i = 0; i < count_; ++i) {
        graph::split(reinterpret_cast<const std::uint8_t*>(&given[i * dims]), dims, &bytes_[i * stride_]);
      }
    } else {
      using embedless::code::VectorForm;
      const VectorForm forms[] = {VectorForm::float32, VectorForm::float32, VectorForm::float16, VectorForm::lvq8};
      bytes_ = embedless::code::encode_vectors({forms[static_cast<std::size_t>(form)], dims, metric}, given);
    }
    for (std::size_t first = 0; first < count_; first += 64) blocks_.push_back(&bytes_[first * stride_]);
    vectors =
        std::make_unique<graph::RowVectors>(form, dims, metric, graph::RowPlaces{blocks_.data(), 6, stride_}, count_);
  }

  std::unique_ptr<graph::RowVectors> vectors;

 private:
  std::size_t stride_;
  std::size_t count_;
  std::vector<std::uint8_t> bytes_;
  std::vector<const std::uint8_t*> blocks_;
};

inline double distance(Metric metric, const float* a, const float* b) {
  double dot = 0, aa = 0, bb = 0;
  for (std::size_t j = 0; j < dims; ++j) {
    dot += static_cast<double>(a[j]) * b[j];
    aa += static_cast<double>(a[j]) * a[j];
    bb += static_cast<double>(b[j]) * b[j];
  }
  if (metric == Metric::ip) return -dot;
  return metric == Metric::l2 ? aa + bb - 2 * dot : 1 - dot / std::sqrt(aa * bb);
}

/// The k nearest by float64, nodes that `allowed` names only (all if it is empty).
inline std::vector<std::uint32_t> nearest(Metric metric, const std::vector<float>& all, const float* query,
                                          std::size_t k, const std::vector<std::uint64_t>& allowed = {}) {
  std::vector<std::pair<double, std::uint32_t>> found;
  for (std::uint32_t node = 0; node < all.size() / dims; ++node) {
    if (!allowed.empty() && ((allowed[node / 64] >> (node % 64)) & 1u) == 0) continue;
    found.emplace_back(distance(metric, query, &all[node * dims]), node);
  }
  std::sort(found.begin(), found.end());
  std::vector<std::uint32_t> nodes;
  for (std::size_t i = 0; i < std::min(k, found.size()); ++i) nodes.push_back(found[i].second);
  return nodes;
}

/// Share of `truth` in the first k of `found`.
inline double recall(const std::vector<std::uint32_t>& truth, std::span<const graph::Found> found) {
  std::size_t hits = 0;
  for (std::size_t i = 0; i < std::min(found.size(), truth.size()); ++i) {
    hits += static_cast<std::size_t>(std::count(truth.begin(), truth.end(), found[i].node));
  }
  return truth.empty() ? 1 : static_cast<double>(hits) / static_cast<double>(truth.size());
}

inline std::vector<std::uint32_t> list_of(const graph::Adjacency& lists, std::uint32_t node) {
  std::vector<std::uint32_t> room(lists.room_nodes());
  const auto list = lists.neighbors(node, room.data());
  return {list.begin(), list.end()};
}

/// All lists, one after the other: two graphs are the same if these are.
inline std::vector<std::vector<std::uint32_t>> lists_of(const graph::Adjacency& lists) {
  std::vector<std::vector<std::uint32_t>> all;
  for (std::uint32_t node = 0; node < lists.count(); ++node) all.push_back(list_of(lists, node));
  return all;
}

inline double mean_degree(const graph::Adjacency& lists) {
  double edges = 0;
  for (const auto& list : lists_of(lists)) edges += static_cast<double>(list.size());
  return edges / static_cast<double>(lists.count());
}

inline const RowForm forms[] = {RowForm::float32, RowForm::split32, RowForm::float16, RowForm::lvq8};
inline const Metric metrics[] = {Metric::cosine, Metric::ip, Metric::l2};

}  // namespace space
