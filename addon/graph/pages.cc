#include "graph/pages.h"

#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace embedless::graph {
namespace {

constexpr std::size_t line = 64;

std::shared_ptr<std::uint8_t> allocate(std::size_t bytes, std::size_t alignment) {
  const auto align = std::align_val_t{alignment};
  auto* memory = static_cast<std::uint8_t*>(::operator new(bytes, align));
  return {memory, [align](std::uint8_t* given) { ::operator delete(given, align); }};
}

}  // namespace

std::shared_ptr<std::uint8_t> allocate_pages(std::size_t bytes) {
  if (bytes < huge_page) return allocate(bytes == 0 ? line : bytes, line);
  auto memory = allocate(bytes, huge_page);
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  // Advice only: where huge pages are off the memory works all the same. The last, partial page stays small, so no more
  // memory is taken than was asked for.
  static_cast<void>(madvise(memory.get(), bytes / huge_page * huge_page, MADV_HUGEPAGE));
#endif
  return memory;
}

std::shared_ptr<std::uint8_t> reserve_pages(std::size_t bytes) { return allocate(bytes, huge_page); }

void settle_pages([[maybe_unused]] std::uint8_t* begin, [[maybe_unused]] std::size_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  constexpr int collapse = 25;  // MADV_COLLAPSE of Linux 6.1, which older headers lack
  if (bytes != 0 && madvise(begin, bytes, collapse) != 0) static_cast<void>(madvise(begin, bytes, MADV_HUGEPAGE));
#endif
}

}  // namespace embedless::graph
