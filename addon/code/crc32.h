#pragma once

#include <cstdint>
#include <span>

namespace embedless::code {

/// CRC-32 of IEEE 802.3, as zlib computes it.
uint32_t crc32(std::span<const uint8_t> bytes);

}  // namespace embedless::code
