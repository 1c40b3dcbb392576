#pragma once

namespace embedless::kernel {

/// Asks for the cache line at `p`, where the compiler knows how.
inline void fetch_line(const void* p) {
#if defined(__GNUC__)
  __builtin_prefetch(p);
#else
  static_cast<void>(p);
#endif
}

}  // namespace embedless::kernel
