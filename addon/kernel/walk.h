#pragma once

#include <cstddef>
#include <cstdint>

/// The inner loops of a walk over a graph: one query against rows that lie anywhere. One file an instruction set
/// (walk_*.cc), chosen along with `kernel::active()`. Pointers may be unaligned; sizes are counted in elements.
///
/// Rows wait in main memory more often than in a cache, so each function is handed all rows of one step and fetches
/// the next ones while it works on the first.
namespace embedless::kernel {

/// Where rows lie: that of a node begins at `blocks[node >> shift] + (node & (2^shift - 1)) * stride + offset`.
struct RowPlaces {
  const std::uint8_t* const* blocks;
  unsigned shift;
  std::size_t stride;
  std::size_t offset;

  const std::uint8_t* row(std::uint32_t node) const {
    return blocks[node >> shift] + (node & ((std::uint32_t{1} << shift) - 1)) * stride + offset;
  }
};

/// out[i] = sum over j < n of query[j] * row(nodes[i])[j].
template <class Query>
using WalkDots = void (*)(const Query* query, const RowPlaces& rows, const std::uint32_t* nodes, std::size_t count,
                          std::size_t n, float* out);

struct WalkTable {
  const char* name;  ///< "scalar", "avx2", "avx512" or "neon".

  /// Rows of float32.
  WalkDots<float> floats;
  /// Rows of the upper 16 bits of float32 (bfloat16); the query in the order of `arrange`.
  WalkDots<float> uppers;
  /// Rows of float16.
  WalkDots<float> halves;
  /// Rows of bytes without sign; n * 255 * the largest |query[j]| stays below 2^31.
  WalkDots<std::int16_t> bytes;

  /// Puts n numbers of a query into the order that `uppers` reads fastest; out must not overlap query.
  void (*arrange)(const float* query, std::size_t n, float* out);
  /// What `arrange` makes of the numbers of a row of upper halves: the row as a query.
  void (*arrange_uppers)(const std::uint8_t* row, std::size_t n, float* out);
  /// n float16 as float32.
  void (*widen)(const std::uint8_t* halves, std::size_t n, float* out);
};

/// The table that belongs to `active()`.
const WalkTable& walk();

extern const WalkTable scalar_walk;
#if defined(__x86_64__) || defined(_M_X64)
extern const WalkTable avx2_walk;
extern const WalkTable avx512_walk;
#endif
#if defined(__aarch64__) || defined(_M_ARM64)
extern const WalkTable neon_walk;
#endif

}  // namespace embedless::kernel
