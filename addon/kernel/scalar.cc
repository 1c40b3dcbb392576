#include <cstring>

#include "base/float16.h"
#include "kernel/fetch_line.h"
#include "kernel/instruction_sets.h"
#include "kernel/scalar_lanes.h"
#include "kernel/scan_loops.h"

/// Plain C++ for any processor, and the twin that the tests compare every other instruction set with. So its loops on
/// codes are its own: what scan_loops.h got wrong, a twin that shared it would get wrong too.
namespace embedless::kernel {
namespace {

bool always() { return true; }

/// Eight nodes of one subspace after another, their sums in registers. Four codes are cut out of one word and four
/// are read one by one: that balances the load units against the others.
void lookup_eight(const std::uint8_t* tables, std::size_t subspaces, const std::uint8_t* codes, std::uint16_t* sums) {
  std::uint32_t sum[8] = {};
  for (std::size_t j = 0; j < subspaces; ++j, tables += 256, codes += block_nodes) {
    const std::uint32_t word = codes[0] | static_cast<std::uint32_t>(codes[1]) << 8 |
                               static_cast<std::uint32_t>(codes[2]) << 16 | static_cast<std::uint32_t>(codes[3]) << 24;
    for (std::size_t i = 0; i < 4; ++i) {
      sum[i] += tables[(word >> (8 * i)) & 0xffu];
      sum[i + 4] += tables[codes[i + 4]];
    }
  }
  for (std::size_t i = 0; i < 8; ++i) sums[i] = static_cast<std::uint16_t>(sum[i]);
}

/// Asks for a line that will be read soon. The address may lie behind the last block: it is never dereferenced.
void prefetch(const std::uint8_t* from, std::size_t line) {
  fetch_line(reinterpret_cast<const void*>(reinterpret_cast<std::uintptr_t>(from) + line * block_nodes));
}

/// Blocks lie one behind the other, their factors between them; asking for the next one's lines evenly during this
/// one hides most of the memory's latency, asking for all at once hides nothing.
void lookup(const ScanQuery& query, const std::uint8_t* codes, std::uint16_t* sums) {
  const std::size_t ahead = query.subspaces + 3;
  for (std::size_t i = 0; i < block_nodes; i += 8) {
    for (std::size_t j = ahead * i / block_nodes; j < ahead * (i + 8) / block_nodes; ++j) {
      prefetch(codes, query.subspaces + j);
    }
    lookup_eight(query.tables, query.subspaces, codes + i, sums + i);
  }
}

/// The 64 factors of a block as floats.
void read_factors(FactorForm form, const std::uint8_t* from, float low, float step, float* to) {
  if (form == FactorForm::byte) {
    for (std::size_t i = 0; i < block_nodes; ++i) to[i] = low + step * static_cast<float>(from[i]);
    return;
  }
  std::uint16_t halves[block_nodes];
  std::memcpy(halves, from, sizeof halves);
  for (std::size_t i = 0; i < block_nodes; ++i) to[i] = base::from_half(halves[i]);
}

/// By value: the compiler could not rule out that a written estimate changes a query it only sees by reference.
std::uint64_t finish(ScanQuery query, const BlockView& block, const std::uint16_t* sums, float threshold,
                     float* estimates) {
  float scale[block_nodes];
  float add[block_nodes];
  read_factors(query.form, block.scale, query.scale_low, query.scale_step, scale);
  read_factors(query.form, block.add, query.add_low, query.add_step, add);
  for (std::size_t i = 0; i < block_nodes; ++i) {
    const float table_sum = query.sum_offset + query.sum_step * static_cast<float>(sums[i]);
    estimates[i] = (query.base + query.add_sign * add[i]) + (query.sum_factor * scale[i]) * table_sum;
  }
  unsigned any = 0;
  for (std::size_t i = 0; i < block_nodes; ++i) any |= static_cast<unsigned>(estimates[i] >= threshold);
  if (any == 0) return 0;  // nearly always, and compilers vectorise the test but not the mask
  std::uint64_t mask = 0;
  for (std::size_t i = 0; i < block_nodes; ++i) mask |= static_cast<std::uint64_t>(estimates[i] >= threshold) << i;
  return mask;
}

std::uint64_t scan_block(const ScanQuery& query, const BlockView& block, float threshold, float* estimates) {
  std::uint16_t sums[block_nodes];
  lookup(query, block.codes, sums);
  return finish(query, block, sums, threshold, estimates);
}

}  // namespace

constinit const Table scalar_table = scan_loops::table<Plain>("scalar", always, lookup, scan_block);

}  // namespace embedless::kernel
