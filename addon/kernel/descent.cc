#include "kernel/descent.h"

#include <string_view>

#include "kernel/kernel.h"

namespace embedless::kernel {

const DescentTable& descent() {
  const std::string_view name = active().name;
#if defined(__x86_64__) || defined(_M_X64)
  if (name == "avx2") return avx2_descent;
  if (name.starts_with("avx512")) return avx512_descent;
#endif
#if defined(__aarch64__) || defined(_M_ARM64)
  if (name == "neon") return neon_descent;
#endif
  return scalar_descent;
}

}  // namespace embedless::kernel
