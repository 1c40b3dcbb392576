#include "base/crc32.h"

#include <gtest/gtest.h>

#include <string_view>

namespace embedless::base {
namespace {

std::uint32_t of(std::string_view text) {
  return crc32({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

TEST(Crc32, MatchesThePublishedCheckValues) {
  EXPECT_EQ(of(""), 0u);
  EXPECT_EQ(of("123456789"), 0xcbf43926u);
  EXPECT_EQ(of("The quick brown fox jumps over the lazy dog"), 0x414fa339u);
}

}  // namespace
}  // namespace embedless::base
