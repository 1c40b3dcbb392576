#pragma once

#include <cstddef>
#include <functional>

namespace embedless::base {

/// Calls `work(task)` for every task in [0, tasks) on up to `threads` threads, the calling one among them, and returns
/// when all are done. Which thread runs what is open, so a task must not depend on another. The first exception ends
/// the hand-out of tasks and is thrown again here.
void parallel_for(unsigned threads, std::size_t tasks, const std::function<void(std::size_t task)>& work);

}  // namespace embedless::base
