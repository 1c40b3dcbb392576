#include "code/kmeans.h"

#include <algorithm>
#include <numeric>

#include "base/random.h"
#include "code/codebook.h"
#include "kernel/descent.h"

namespace embedless::code {
namespace {

/// Points between two looks at the stop flag.
constexpr std::size_t stop_interval = 64;

class Lloyd {
 public:
  Lloyd(std::span<const float> points, const KmeansOptions& options)
      : points_(points),
        options_(options),
        width_(options.width),
        count_(points.size() / options.width),
        random_(options.seed),
        centroids_(width_ * centroid_count),
        sums_(width_ * centroid_count),
        members_(centroid_count) {}

  std::vector<float> run() {
    choose_points();
    for (std::size_t round = 0; round < options_.rounds; ++round) {
      assign();
      move();
    }
    return std::move(centroids_);
  }

 private:
  void place(std::size_t centroid, std::size_t point) {
    for (std::size_t i = 0; i < width_; ++i) centroids_[i * centroid_count + centroid] = points_[point * width_ + i];
  }

  /// Centroids start at different points while there are some (a shuffle cut short), then at any.
  void choose_points() {
    std::vector<std::uint32_t> order(count_);
    std::iota(order.begin(), order.end(), 0u);
    for (std::size_t c = 0; c < centroid_count; ++c) {
      if (c < count_) std::swap(order[c], order[c + random_.below(count_ - c)]);
      place(c, c < count_ ? order[c] : random_.below(count_));
    }
  }

  void measure_norms() {
    std::fill(std::begin(squared_norms_), std::end(squared_norms_), 0.0f);
    for (std::size_t i = 0; i < width_; ++i) {
      const float* row = &centroids_[i * centroid_count];
      for (std::size_t c = 0; c < centroid_count; ++c) squared_norms_[c] += row[c] * row[c];
    }
  }

  void assign() {
    const kernel::DescentTable& loops = kernel::descent();
    measure_norms();
    std::fill(sums_.begin(), sums_.end(), 0.0);
    std::fill(members_.begin(), members_.end(), 0u);
    float products[centroid_count];
    for (std::size_t point = 0; point < count_; ++point) {
      if (point % stop_interval == 0) base::check(options_.stop);
      const float* values = &points_[point * width_];
      loops.products(values, centroids_.data(), width_, products);
      const std::size_t nearest = loops.nearest(products, squared_norms_);
      ++members_[nearest];
      double* sum = &sums_[nearest * width_];
      for (std::size_t i = 0; i < width_; ++i) sum[i] += values[i];
    }
  }

  void move() {
    for (std::size_t c = 0; c < centroid_count; ++c) {
      if (members_[c] == 0) {
        place(c, random_.below(count_));
        continue;
      }
      for (std::size_t i = 0; i < width_; ++i) {
        centroids_[i * centroid_count + c] = static_cast<float>(sums_[c * width_ + i] / members_[c]);
      }
    }
  }

  std::span<const float> points_;
  const KmeansOptions& options_;
  std::size_t width_;
  std::size_t count_;
  base::Random random_;
  std::vector<float> centroids_;  // [width][256]
  std::vector<double> sums_;      // [256][width]
  std::vector<std::uint32_t> members_;
  float squared_norms_[centroid_count] = {};
};

}  // namespace

std::vector<float> kmeans(std::span<const float> points, const KmeansOptions& options) {
  return Lloyd(points, options).run();
}

}  // namespace embedless::code
