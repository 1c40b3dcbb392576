#include "base/float16.h"
#include "kernel/rows_loops.h"
#include "kernel/scalar_lanes.h"

/// Plain C++ for any processor, and the twin that the tests compare every other instruction set with.
namespace embedless::kernel {
namespace {

struct PlainRows : Plain {
  struct Pair {
    Register low, high;
  };

  static Register bytes(const std::uint8_t* p) {
    const float lanes[width] = {static_cast<float>(p[0]), static_cast<float>(p[1]), static_cast<float>(p[2]),
                                static_cast<float>(p[3])};
    return load(lanes);
  }
  static Register signed_bytes(const std::uint8_t* p) {
    std::int8_t values[width];
    std::memcpy(values, p, sizeof values);
    const float lanes[width] = {static_cast<float>(values[0]), static_cast<float>(values[1]),
                                static_cast<float>(values[2]), static_cast<float>(values[3])};
    return load(lanes);
  }
  static Register halves(const std::uint8_t* p) {
    std::uint16_t values[width];
    std::memcpy(values, p, sizeof values);
    const float lanes[width] = {base::from_half(values[0]), base::from_half(values[1]), base::from_half(values[2]),
                                base::from_half(values[3])};
    return load(lanes);
  }
  static Pair nibbles(const std::uint8_t* p) {
    std::uint8_t low[width];
    std::uint8_t high[width];
    for (std::size_t i = 0; i < width; ++i) {
      low[i] = p[i] & 15u;
      high[i] = static_cast<std::uint8_t>(p[i] >> 4);
    }
    return {bytes(low), bytes(high)};
  }
};

}  // namespace

constinit const RowTable scalar_rows = row_loops::table<PlainRows>("scalar");

}  // namespace embedless::kernel
