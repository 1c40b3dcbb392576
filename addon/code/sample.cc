#include "code/sample.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "code/random.h"

namespace embedless::code {

std::vector<size_t> random_sample(size_t count, size_t wanted, uint64_t seed) {
  Random random(seed);
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  const size_t taken = std::min(count, wanted);
  for (size_t i = 0; i < taken; ++i) std::swap(order[i], order[i + random.below(count - i)]);
  order.resize(taken);
  return order;
}

}  // namespace embedless::code
