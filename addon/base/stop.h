#pragma once

#include <atomic>

#include "base/error.h"

namespace embedless::base {

/// Tells running work to give up. Any thread may raise it, any number of threads may watch it; it is never lowered.
class StopFlag {
 public:
  void stop() { raised_.store(true, std::memory_order_relaxed); }
  bool stopped() const { return raised_.load(std::memory_order_relaxed); }

  /// @throws Stopped once the flag is raised.
  void check() const {
    if (stopped()) throw Stopped();
  }

 private:
  std::atomic<bool> raised_{false};
};

/// @throws Stopped if there is a flag and it is raised.
inline void check(const StopFlag* stop) {
  if (stop != nullptr) stop->check();
}

}  // namespace embedless::base
