#include "code/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

namespace embedless::code {
namespace {

TEST(ParallelConcurrency, RunsEveryTaskOnce) {
  for (const unsigned threads : {1u, 2u, 3u, 16u}) {
    for (const size_t tasks : {size_t{0}, size_t{1}, size_t{2}, size_t{1000}}) {
      std::vector<std::atomic<int>> runs(tasks);
      parallel_for(threads, tasks, [&](size_t task) { ++runs[task]; });
      for (const auto& count : runs) ASSERT_EQ(count, 1) << threads << " threads";
    }
  }
}

TEST(ParallelConcurrency, AFailureEndsTheHandOutAndIsThrownAgain) {
  for (const unsigned threads : {1u, 2u, 4u}) {
    std::atomic<size_t> done{0};
    EXPECT_THROW(parallel_for(threads, 100000,
                              [&](size_t task) {
                                if (task == 10) throw std::runtime_error("task 10");
                                ++done;
                              }),
                 std::runtime_error);
    EXPECT_LT(done, 99999u);
  }
}

}  // namespace
}  // namespace embedless::code
