#include "kernel/rows.h"

#include <string_view>

#include "kernel/kernel.h"

namespace embedless::kernel {

const RowTable& rows() {
  const std::string_view name = active().name;
#if defined(__x86_64__) || defined(_M_X64)
  if (name == "avx2") return avx2_rows;
  if (name.starts_with("avx512")) return avx512_rows;
#endif
#if defined(__aarch64__) || defined(_M_ARM64)
  if (name == "neon") return neon_rows;
#endif
  return scalar_rows;
}

}  // namespace embedless::kernel
