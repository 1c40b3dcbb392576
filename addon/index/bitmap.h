#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace embedless::index {

/// The bytes of a bitmap over n nodes: bit i lies in byte i / 8, lowest bit first.
inline std::size_t bitmap_bytes(std::size_t n) { return (n + 7) / 8; }

/// A set of nodes as words of 64, one word a block. Nodes past its end are not in it.
class Bitmap {
 public:
  /// From bytes, bit i in byte i / 8, lowest first; any length.
  explicit Bitmap(std::span<const std::uint8_t> bytes) : words_((bytes.size() + 7) / 8) {
    for (std::size_t i = 0; i < bytes.size(); ++i) words_[i / 8] |= std::uint64_t{bytes[i]} << (i % 8 * 8);
  }

  /// The 64 bits of block `block`.
  std::uint64_t word(std::size_t block) const { return block < words_.size() ? words_[block] : 0; }

 private:
  std::vector<std::uint64_t> words_;
};

}  // namespace embedless::index
