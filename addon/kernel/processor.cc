#include "kernel/processor.h"

#include <cstdint>

#include "kernel/instruction_sets.h"

#if EMBEDLESS_X86
#if defined(_MSC_VER) && !defined(__clang__)
#include <immintrin.h>
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#endif

namespace embedless::kernel {
namespace {

#if EMBEDLESS_X86

struct Leaf {
  std::uint32_t eax, ebx, ecx, edx;
};

#if defined(_MSC_VER) && !defined(__clang__)
Leaf cpuid(std::uint32_t leaf, std::uint32_t part = 0) {
  int registers[4] = {};
  __cpuid(registers, 0);
  if (static_cast<std::uint32_t>(registers[0]) < leaf) return {};
  __cpuidex(registers, static_cast<int>(leaf), static_cast<int>(part));
  return {static_cast<std::uint32_t>(registers[0]), static_cast<std::uint32_t>(registers[1]),
          static_cast<std::uint32_t>(registers[2]), static_cast<std::uint32_t>(registers[3])};
}

std::uint64_t saved_registers() { return _xgetbv(0); }
#else
Leaf cpuid(std::uint32_t leaf, std::uint32_t part = 0) {
  Leaf found{};
  __get_cpuid_count(leaf, part, &found.eax, &found.ebx, &found.ecx, &found.edx);
  return found;
}

std::uint64_t saved_registers() {
  std::uint32_t low = 0;
  std::uint32_t high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<std::uint64_t>(high) << 32) | low;
}
#endif

bool has(std::uint32_t flags, int bit) { return ((flags >> bit) & 1u) != 0; }

Processor detect() {
  const Leaf basic = cpuid(1);
  const Leaf extended = cpuid(7);
  const bool xgetbv_allowed = has(basic.ecx, 27);
  const std::uint64_t saved = xgetbv_allowed ? saved_registers() : 0;
  const bool saves_256 = (saved & 0x06) == 0x06;  // SSE and AVX state
  const bool saves_512 = (saved & 0xe6) == 0xe6;  // and the mask and upper registers

  Processor found{};
  const bool fma = has(basic.ecx, 12);
  const bool f16c = has(basic.ecx, 29);
  found.avx2 = saves_256 && fma && f16c && has(extended.ebx, 5);
  const bool f = has(extended.ebx, 16);
  const bool dq = has(extended.ebx, 17);
  const bool bw = has(extended.ebx, 30);
  const bool vl = has(extended.ebx, 31);
  found.avx512 = found.avx2 && saves_512 && f && dq && bw && vl;
  found.avx512vbmi = found.avx512 && has(extended.ecx, 1);
  const bool avx512_vnni = found.avx512 && has(extended.ecx, 11);
  const bool avx_vnni = found.avx2 && extended.eax >= 1 && has(cpuid(7, 1).eax, 4);
  found.vnni = avx512_vnni || avx_vnni;
  return found;
}

#else

Processor detect() { return {}; }

#endif

}  // namespace

const Processor& processor() {
  static const Processor found = detect();
  return found;
}

}  // namespace embedless::kernel
