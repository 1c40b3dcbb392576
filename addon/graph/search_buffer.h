#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

namespace embedless::graph {

/// A node and its distance from the query.
struct Found {
  float distance;
  std::uint32_t node;
};

inline bool nearer(const Found& a, const Found& b) {
  return a.distance != b.distance ? a.distance < b.distance : a.node < b.node;
}

/// The best nodes of a walk in order, ties by node, and which of them were already expanded.
///
/// A split buffer as in SVS (arXiv 2304.04759): the walk ends when the first `window` entries are expanded, while
/// `capacity` entries are kept for whoever ranks them again. One sorted array: moving a few hundred bytes costs less
/// than keeping a heap. An entry is one number, [distance as ordered bits][node][expanded], so one comparison orders
/// two.
class SearchBuffer {
 public:
  /// Empties the buffer. `capacity` is at least `window`, and that at least 1.
  void reset(std::size_t window, std::size_t capacity) {
    window_ = window;
    capacity_ = capacity;
    size_ = 0;
    next_ = 0;
    if (entries_.size() < capacity + 1) entries_.resize(capacity + 1);
    bar_ = std::numeric_limits<float>::infinity();
  }

  std::size_t size() const { return size_; }
  /// Nodes farther than this cannot be kept.
  float bar() const { return bar_; }

  void insert(float distance, std::uint32_t node) {
    const std::uint64_t entry = pack(distance, node);
    if (size_ == capacity_ && entry > entries_[size_ - 1]) return;
    std::uint64_t* const from = entries_.data();
    std::uint64_t* const place = std::lower_bound(from, from + size_, entry);
    const auto at = static_cast<std::size_t>(place - from);
    std::memmove(place + 1, place, (size_ - at) * sizeof entry);
    *place = entry;
    if (size_ < capacity_) ++size_;
    next_ = std::min(next_, at);
    if (size_ == capacity_) bar_ = distance_of(entries_[size_ - 1]);
  }

  /// Whether a node within the window waits for its expansion.
  bool waiting() {
    const std::size_t end = std::min(window_, size_);
    while (next_ < end && (entries_[next_] & 1u) != 0) ++next_;
    return next_ < end;
  }
  /// The nearest one; marks it as expanded. Only after `waiting()`.
  Found expand() {
    entries_[next_] |= 1u;
    return unpack(entries_[next_++]);
  }
  /// The one that comes next as things stand; only after `waiting()`.
  std::uint32_t peek() const { return node_of(entries_[next_]); }

  Found operator[](std::size_t i) const { return unpack(entries_[i]); }

 private:
  /// Floats as integers of the same order, negative ones included.
  static std::uint32_t ordered(float distance) {
    const auto bits = std::bit_cast<std::uint32_t>(distance);
    return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
  }
  static std::uint64_t pack(float distance, std::uint32_t node) {
    return (static_cast<std::uint64_t>(ordered(distance)) << 32) | (static_cast<std::uint64_t>(node) << 1);
  }
  static float distance_of(std::uint64_t entry) {
    const auto bits = static_cast<std::uint32_t>(entry >> 32);
    return std::bit_cast<float>((bits & 0x80000000u) != 0 ? bits & 0x7fffffffu : ~bits);
  }
  static std::uint32_t node_of(std::uint64_t entry) { return static_cast<std::uint32_t>(entry) >> 1; }
  static Found unpack(std::uint64_t entry) { return {distance_of(entry), node_of(entry)}; }

  std::size_t window_ = 1;
  std::size_t capacity_ = 1;
  std::size_t size_ = 0;
  std::size_t next_ = 0;  // no waiting entry lies before it
  float bar_ = std::numeric_limits<float>::infinity();
  std::vector<std::uint64_t> entries_;
};

/// The nodes that a walk has met. Forgetting all of them is counting up one number: a mark holds for one walk only.
class VisitedSet {
 public:
  /// Empties the set, for nodes below `count`.
  void reset(std::size_t count) {
    if (marks_.size() < count) {
      marks_.assign(count, 0);
      epoch_ = 0;
    }
    if (++epoch_ == 0) {
      std::fill(marks_.begin(), marks_.end(), std::uint8_t{0});
      epoch_ = 1;
    }
  }
  /// Adds a node. False if it was there.
  bool insert(std::uint32_t node) {
    // Without a branch, which would be mispredicted half the time.
    const bool fresh = marks_[node] != epoch_;
    marks_[node] = epoch_;
    return fresh;
  }
  std::size_t memory_bytes() const { return marks_.capacity(); }

 private:
  std::vector<std::uint8_t> marks_;
  std::uint8_t epoch_ = 0;
};

}  // namespace embedless::graph
