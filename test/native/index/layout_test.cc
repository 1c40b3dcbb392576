// Rows come out of a block as they went in, and the transposed block lies as the kernels expect it.

#include "index/layout.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace {

using embedless::index::Layout;

const Layout layouts[] = {
    {.row_bytes = 51, .transposed = true, .subspaces = 48, .factor_bytes = 1},
    {.row_bytes = 53, .transposed = true, .subspaces = 48, .factor_bytes = 2},
    {.row_bytes = 4, .transposed = true, .subspaces = 1, .factor_bytes = 1},
    {.row_bytes = 24},
    // One below, at and above the eight columns that are transposed at once.
    {.row_bytes = 10, .transposed = true, .subspaces = 7, .factor_bytes = 1},
    {.row_bytes = 11, .transposed = true, .subspaces = 8, .factor_bytes = 1},
    {.row_bytes = 14, .transposed = true, .subspaces = 9, .factor_bytes = 2},
    {.row_bytes = 40, .first_bytes = 24},
    {.row_bytes = 3, .first_bytes = 2},
    {.row_bytes = 24, .first_bytes = 24},
    // Two planes of float32.
    {.row_bytes = 28, .split_dims = 7},
};

std::vector<std::uint8_t> counted(std::size_t bytes) {
  std::vector<std::uint8_t> rows(bytes);
  for (std::size_t i = 0; i < bytes; ++i) rows[i] = static_cast<std::uint8_t>(i * 31 + i / 256);
  return rows;
}

TEST(Layout, RowsComeBackFromEverySlot) {
  for (const Layout& layout : layouts) {
    const auto rows = counted(layout.block_bytes());
    for (const std::size_t cut : {0, 1, 31, 63, 64}) {
      std::vector<std::uint8_t> block(layout.block_bytes());
      layout.write(block.data(), 0, std::span(rows).first(cut * layout.row_bytes));
      layout.write(block.data(), cut, std::span(rows).subspan(cut * layout.row_bytes));
      for (std::size_t slot = 0; slot < 64; ++slot) {
        std::vector<std::uint8_t> row(layout.row_bytes);
        layout.read(block.data(), slot, row.data());
        const auto expected = std::span(rows).subspan(slot * layout.row_bytes, layout.row_bytes);
        ASSERT_TRUE(std::ranges::equal(row, expected)) << "slot " << slot << " cut " << cut;
      }
    }
  }
}

TEST(Layout, TransposesCodesAndFactors) {
  const Layout& layout = layouts[1];
  const auto rows = counted(layout.block_bytes());
  std::vector<std::uint8_t> block(layout.block_bytes());
  layout.write(block.data(), 0, rows);
  const auto view = layout.view(block.data());
  for (std::size_t node = 0; node < 64; ++node) {
    const std::uint8_t* row = &rows[node * layout.row_bytes];
    for (std::size_t j = 0; j < layout.subspaces; ++j) ASSERT_EQ(view.codes[j * 64 + node], row[j]);
    for (std::size_t byte = 0; byte < 2; ++byte) {
      ASSERT_EQ(view.scale[2 * node + byte], row[48 + byte]);
      ASSERT_EQ(view.add[2 * node + byte], row[50 + byte]);
    }
    ASSERT_EQ(block[52 * 64 + node], row[52]);
  }
  EXPECT_EQ(layout.scanned_bytes(), 52u * 64);
}

TEST(Layout, PartsOfRowsThatAScanReadsLieTogether) {
  const Layout& layout = layouts[7];
  const auto rows = counted(layout.block_bytes());
  std::vector<std::uint8_t> block(layout.block_bytes());
  layout.write(block.data(), 0, rows);
  EXPECT_EQ(layout.stride(), 24u);
  EXPECT_EQ(layout.scanned_bytes(), 24u * 64);
  for (std::size_t node = 0; node < 64; ++node) {
    for (std::size_t byte = 0; byte < 24; ++byte) ASSERT_EQ(block[node * 24 + byte], rows[node * 40 + byte]);
    for (std::size_t byte = 0; byte < 16; ++byte)
      ASSERT_EQ(block[24 * 64 + node * 16 + byte], rows[node * 40 + 24 + byte]);
  }
  EXPECT_EQ(layouts[3].stride(), 24u);
  EXPECT_EQ(layouts[3].scanned_bytes(), 24u * 64);
}

}  // namespace
