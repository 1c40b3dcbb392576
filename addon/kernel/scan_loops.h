#pragma once

#include <cstddef>
#include <cstdint>

#include "kernel/float_loops.h"
#include "kernel/kernel.h"

/// The loops of `lookup` and `scan_block`, written once over a vector type `V` as float_loops.h describes it, with in
/// addition
///
///   V::multiply(a, b)             not fused with an addition: every instruction set must give the same bits
///   V::bytes(p)  V::halves(p)     V::width bytes or float16 at p, as floats
///   V::words(p)                   V::width u16 at p, as floats
///   V::at_least(a, b)             bit i set where lane i of a is not below that of b
///   V::looked_up                  nodes that one pass of `lookup` takes: as many as the registers can hold sums of
///   typename V::Sums              their u16 sums: `add(table, codes)` looks up one subspace, `store(sums)` writes them
///
/// Each `V` lives in an unnamed namespace, so instantiations stay in their file.
namespace embedless::kernel::scan_loops {

template <class V>
inline void lookup(const ScanQuery& query, const std::uint8_t* codes, std::uint16_t* sums) {
  for (std::size_t first = 0; first < block_nodes; first += V::looked_up) {
    typename V::Sums total;
    const std::uint8_t* table = query.tables;
    const std::uint8_t* from = codes + first;
    for (std::size_t j = 0; j < query.subspaces; ++j, table += 256, from += block_nodes) total.add(table, from);
    total.store(sums + first);
  }
}

template <class V>
inline typename V::Register linear(float low, float step, typename V::Register value) {
  return V::add(V::splat(low), V::multiply(V::splat(step), value));
}

/// V::width factors from node i on.
template <class V, FactorForm form>
inline typename V::Register factors(const std::uint8_t* from, std::size_t i, float low, float step) {
  if constexpr (form == FactorForm::byte) {
    return linear<V>(low, step, V::bytes(from + i));
  } else {
    return V::halves(from + 2 * i);
  }
}

/// By value: the compiler could not rule out that a written estimate changes a query it only sees by reference.
template <class V, FactorForm form>
inline std::uint64_t finish(ScanQuery query, const BlockView& block, const std::uint16_t* sums, float threshold,
                            float* estimates) {
  const auto least = V::splat(threshold);
  const auto factor = V::splat(query.sum_factor);
  std::uint64_t mask = 0;
  for (std::size_t i = 0; i < block_nodes; i += V::width) {
    const auto sum = linear<V>(query.sum_offset, query.sum_step, V::words(sums + i));
    const auto scale = factors<V, form>(block.scale, i, query.scale_low, query.scale_step);
    const auto add = factors<V, form>(block.add, i, query.add_low, query.add_step);
    const auto estimate =
        V::add(linear<V>(query.base, query.add_sign, add), V::multiply(V::multiply(factor, scale), sum));
    V::store(estimates + i, estimate);
    mask |= static_cast<std::uint64_t>(V::at_least(estimate, least)) << i;
  }
  return mask;
}

template <class V>
inline std::uint64_t scan_block(const ScanQuery& query, const BlockView& block, float threshold, float* estimates) {
  std::uint16_t sums[block_nodes];
  lookup<V>(query, block.codes, sums);
  return query.form == FactorForm::byte ? finish<V, FactorForm::byte>(query, block, sums, threshold, estimates)
                                        : finish<V, FactorForm::half>(query, block, sums, threshold, estimates);
}

/// The table of one instruction set: loops on floats over `V`, and these two for codes.
template <class V>
constexpr Table table(const char* name, bool (*supported)(), decltype(Table::lookup) lookup,
                      decltype(Table::scan_block) scan_block) {
  return {name,
          supported,
          loops::dot<V>,
          loops::squared_l2<V>,
          loops::squared_norm<V>,
          loops::axpy<V>,
          loops::multiply<V>,
          lookup,
          scan_block};
}

}  // namespace embedless::kernel::scan_loops
