#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

/// The inner loops of the engine, once per instruction set behind one table of functions.
///
/// Nothing here allocates, throws or keeps state; every pointer may be unaligned. Sizes are counted in elements.
namespace embedless::kernel {

/// Nodes of one scan block: every function on codes works on exactly this many.
inline constexpr std::size_t block_nodes = 64;

/// Most subspaces whose u8 lookups fit a u16 sum: 257 * 255 = 65,535.
inline constexpr std::size_t max_subspaces = 257;

/// How a block stores its two factors: one byte on a linear range, or IEEE float16 in native byte order.
enum class FactorForm : std::uint8_t { byte, half };

/// All that a scan knows of one query; immutable while the scan runs.
///
/// The estimate of a node with scale s, addend a and table sum t is, in exactly this order and in float32,
/// `(base + add_sign * a) + (sum_factor * s) * t`, where `t = sum_offset + sum_step * (u16 sum of lookups)`.
struct ScanQuery {
  const std::uint8_t* tables;   ///< [subspaces][256], quantised with one step for the whole query.
  std::size_t subspaces;        ///< At most max_subspaces.
  float sum_offset, sum_step;   ///< From the u16 sum to the table sum.
  float scale_low, scale_step;  ///< Byte form: s = scale_low + scale_step * byte.
  float add_low, add_step;      ///< Byte form: a = add_low + add_step * byte.
  float base;                   ///< The part of the estimate that all nodes share.
  float add_sign, sum_factor;   ///< +1, +1 for cosine and ip; -1, +2 for l2, whose estimate is minus squared distance.
  FactorForm form;              ///< How the blocks of this index store s and a.
};

/// One block of 64 nodes as it lies in memory; unused nodes of a last block hold any bytes, but they must be readable.
struct BlockView {
  const std::uint8_t* codes;  ///< [subspaces][64]: transposed, so that one subspace of all nodes is one cache line.
  const std::uint8_t* scale;  ///< 64 bytes, or 128 when the form is half.
  const std::uint8_t* add;    ///< 64 bytes, or 128 when the form is half.
};

/// The functions of one instruction set.
///
/// Sums of floats differ between instruction sets by rounding (their order differs); `lookup` is exact, and
/// `scan_block` gives the same bits everywhere, so that candidates do not depend on the machine.
struct Table {
  const char* name;     ///< "scalar", "avx2", "avx512", "avx512vbmi" or "neon".
  bool (*supported)();  ///< Whether this processor and its operating system can run it.

  /// Sum of x[i] * y[i].
  float (*dot)(const float* x, const float* y, std::size_t n);
  /// Sum of (x[i] - y[i])^2.
  float (*squared_l2)(const float* x, const float* y, std::size_t n);
  /// Sum of x[i]^2.
  float (*squared_norm)(const float* x, std::size_t n);
  /// y[i] += a * x[i].
  void (*axpy)(float a, const float* x, float* y, std::size_t n);

  /// C[m x n] = A[m x k] * Bt[n x k] transposed, all row-major; C is overwritten and must not overlap the others.
  /// An element depends on its row of A and its row of Bt alone: cutting A into several calls changes no bit.
  void (*multiply)(const float* a, const float* bt, float* c, std::size_t m, std::size_t n, std::size_t k);

  /// sums[i] = sum over the subspaces j of tables[j][codes[j][i]], for the 64 nodes of a block.
  void (*lookup)(const ScanQuery& query, const std::uint8_t* codes, std::uint16_t* sums);

  /// Writes the 64 estimates of a block; bit i of the result is set if estimates[i] >= threshold.
  std::uint64_t (*scan_block)(const ScanQuery& query, const BlockView& block, float threshold, float* estimates);
};

/// Every table compiled into this library, scalar first, best last; some may not be supported by this machine.
std::span<const Table* const> tables();

/// The table in use: the best supported one unless `force` named another. Callers of a loop fetch it once.
const Table& active();

/// Uses the named table from now on in the whole process, for tests and benchmarks; "" returns to the best.
/// False, and nothing changes, if the name is unknown or this machine does not support it.
bool force(std::string_view name);

}  // namespace embedless::kernel
