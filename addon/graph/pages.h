#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>

#include "kernel/fetch_line.h"

namespace embedless::graph {

/// Bytes of a huge page, the common size of x86-64 and 64-bit Arm.
inline constexpr std::size_t huge_page = std::size_t{1} << 21;

/// Bytes that begin at a cache line; from 2 MB on at a page of 2 MB, which the system is asked to use where it can.
/// Random rows then miss the address cache a hundred times less often. Not initialised. @throws std::bad_alloc.
std::shared_ptr<std::uint8_t> allocate_pages(std::size_t bytes);

/// Bytes that begin at a huge page and take no memory before they are written, page by small page. @throws
/// std::bad_alloc.
std::shared_ptr<std::uint8_t> reserve_pages(std::size_t bytes);

/// Puts memory that `reserve_pages` gave and that is written by now on huge pages, where the system can: at once, or
/// else when it comes to it. `begin` and `bytes` are multiples of `huge_page`. Others may read it meanwhile.
void settle_pages(std::uint8_t* begin, std::size_t bytes);

using kernel::fetch_line;

/// A fixed number of plain values on such pages; not initialised.
template <class T>
class PagedArray {
  static_assert(std::is_trivial_v<T>);

 public:
  PagedArray() = default;
  explicit PagedArray(std::size_t size) : size_(size), memory_(allocate_pages(size * sizeof(T))) {}

  std::size_t size() const { return size_; }
  T* data() { return reinterpret_cast<T*>(memory_.get()); }
  const T* data() const { return reinterpret_cast<const T*>(memory_.get()); }
  T* begin() { return data(); }
  T* end() { return data() + size_; }
  T& operator[](std::size_t i) { return data()[i]; }
  const T& operator[](std::size_t i) const { return data()[i]; }

 private:
  std::size_t size_ = 0;
  std::shared_ptr<std::uint8_t> memory_;
};

}  // namespace embedless::graph
