#pragma once

#include <cstdint>
#include <span>

namespace embedless::base {

/// CRC-32 of IEEE 802.3, as zlib computes it.
std::uint32_t crc32(std::span<const std::uint8_t> bytes);

}  // namespace embedless::base
