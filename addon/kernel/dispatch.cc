#include <array>
#include <atomic>

#include "kernel/instruction_sets.h"

namespace embedless::kernel {
namespace {

constexpr std::array compiled{
    &scalar_table,
#if EMBEDLESS_X86
    &avx2_table,   &avx512_table, &avx512vbmi_table,
#endif
#if EMBEDLESS_NEON
    &neon_table,
#endif
};

const Table* best() {
  const Table* found = &scalar_table;
  for (const Table* table : compiled) {
    if (table->supported()) found = table;
  }
  return found;
}

/// Constructed on first use, so that tables are found even from the constructors of other globals.
std::atomic<const Table*>& chosen() {
  static std::atomic<const Table*> table{best()};
  return table;
}

}  // namespace

std::span<const Table* const> tables() { return compiled; }

const Table& active() { return *chosen().load(std::memory_order_relaxed); }

bool force(std::string_view name) {
  if (name.empty()) {
    chosen().store(best(), std::memory_order_relaxed);
    return true;
  }
  for (const Table* table : compiled) {
    if (name != table->name || !table->supported()) continue;
    chosen().store(table, std::memory_order_relaxed);
    return true;
  }
  return false;
}

}  // namespace embedless::kernel
