#pragma once

#include "kernel/kernel.h"

/// The tables of the instruction sets, as `dispatch` knows them. A file for a foreign architecture compiles to nothing.

#if defined(__x86_64__) || defined(_M_X64)
#define EMBEDLESS_X86 1
#else
#define EMBEDLESS_X86 0
#endif

#if defined(__aarch64__) || defined(_M_ARM64)
#define EMBEDLESS_NEON 1
#else
#define EMBEDLESS_NEON 0
#endif

namespace embedless::kernel {

extern const Table scalar_table;

#if EMBEDLESS_X86
extern const Table avx2_table;
void avx2_lookup(const ScanQuery& query, const std::uint8_t* codes, std::uint16_t* sums);
std::uint64_t avx2_scan_block(const ScanQuery& query, const BlockView& block, float threshold, float* estimates);
extern const Table avx512_table;
extern const Table avx512vbmi_table;
#endif

#if EMBEDLESS_NEON
extern const Table neon_table;
#endif

}  // namespace embedless::kernel
