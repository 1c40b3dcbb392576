#include "base/random.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace embedless::base {

std::vector<std::size_t> random_sample(std::size_t count, std::size_t wanted, std::uint64_t seed) {
  Random random(seed);
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  const std::size_t taken = std::min(count, wanted);
  for (std::size_t i = 0; i < taken; ++i) std::swap(order[i], order[i + random.below(count - i)]);
  order.resize(taken);
  return order;
}

}  // namespace embedless::base
