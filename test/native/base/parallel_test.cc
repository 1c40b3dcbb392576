#include "base/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

namespace embedless::base {
namespace {

TEST(ParallelConcurrency, RunsEveryTaskOnce) {
  for (const unsigned threads : {1u, 2u, 3u, 16u}) {
    for (const std::size_t tasks : {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{1000}}) {
      std::vector<std::atomic<int>> runs(tasks);
      parallel_for(threads, tasks, [&](std::size_t task) { ++runs[task]; });
      for (const auto& count : runs) ASSERT_EQ(count, 1) << threads << " threads";
    }
  }
}

TEST(ParallelConcurrency, AFailureEndsTheHandOutAndIsThrownAgain) {
  for (const unsigned threads : {1u, 2u, 4u}) {
    std::atomic<std::size_t> done{0};
    EXPECT_THROW(parallel_for(threads, 100000,
                              [&](std::size_t task) {
                                if (task == 10) throw std::runtime_error("task 10");
                                ++done;
                              }),
                 std::runtime_error);
    EXPECT_LT(done, 99999u);
  }
}

}  // namespace
}  // namespace embedless::base
