#include "base/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace embedless::base {
namespace {

/// Tasks handed out one by one, and the first failure among them.
class Queue {
 public:
  Queue(std::size_t tasks, const std::function<void(std::size_t)>& work) : tasks_(tasks), work_(work) {}

  void drain() {
    try {
      for (std::size_t task = next_.fetch_add(1); task < tasks_ && !failed_; task = next_.fetch_add(1)) work_(task);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
      failed_ = true;
    }
  }

  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  const std::size_t tasks_;
  const std::function<void(std::size_t)>& work_;
  std::atomic<std::size_t> next_{0};
  std::atomic<bool> failed_{false};
  std::mutex mutex_;
  std::exception_ptr failure_;
};

}  // namespace

void parallel_for(unsigned threads, std::size_t tasks, const std::function<void(std::size_t task)>& work) {
  Queue queue(tasks, work);
  {
    std::vector<std::jthread> others;
    const std::size_t wanted = std::min<std::size_t>(threads, tasks);
    for (std::size_t i = 1; i < wanted; ++i) others.emplace_back([&queue] { queue.drain(); });
    queue.drain();
  }
  queue.rethrow();
}

}  // namespace embedless::base
