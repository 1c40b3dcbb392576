#pragma once

#include <napi.h>

#include <memory>
#include <optional>

#include "base/stop.h"
#include "binding/failure.h"

namespace embedless::binding {

/// One piece of work off the main thread, with a promise for its result.
///
/// Life: made on the main thread, where its constructor copies all input; `run` on another thread, where no JavaScript
/// value may be touched; `result` on the main thread again.
class Worker {
 public:
  /// @param stop the flag that ends the work; null: the work gets one of its own, raised when the environment ends.
  Worker(Napi::Env env, std::shared_ptr<base::StopFlag> stop);
  virtual ~Worker() = default;
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Hands the worker to the environment's threads.
  static Napi::Value start(Napi::Env env, std::unique_ptr<Worker> worker);

  /// Off the main thread: runs and remembers how it failed.
  void execute() noexcept;
  /// On the main thread: settles the promise.
  void settle(Napi::Env env) noexcept;
  /// Any thread.
  void stop() { stop_->stop(); }

 protected:
  virtual void run(const base::StopFlag& stop) = 0;
  virtual Napi::Value result(Napi::Env env) = 0;

 private:
  void settle_or_throw(Napi::Env env);

  Napi::Promise::Deferred deferred_;
  std::shared_ptr<base::StopFlag> stop_;
  std::optional<Failure> failure_;
};

}  // namespace embedless::binding
