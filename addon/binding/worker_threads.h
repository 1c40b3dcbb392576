#pragma once

#include <napi.h>

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_set>
#include <vector>

namespace embedless::binding {

class Worker;

/// The threads that work for one JavaScript environment.
///
/// They are the addon's own, not libuv's: Node waits for libuv's work before it tells an addon that its environment
/// ends, so a training there would hold up `worker.terminate()` and `process.exit()` until it is finished.
///
/// Invariants: `submit` and `shut_down` run on the environment's thread (or at exit of the process, when that runs no
/// more JavaScript); a worker belongs to the queue, then to its thread, then to the message that carries it home.
class WorkerThreads {
 public:
  explicit WorkerThreads(napi_env env);
  ~WorkerThreads();
  WorkerThreads(const WorkerThreads&) = delete;
  WorkerThreads& operator=(const WorkerThreads&) = delete;

  /// Runs a worker off the main thread and settles its promise on it. Workers start in order of submission.
  void submit(std::unique_ptr<Worker> worker);

  /// Tells all workers to stop, waits for them, and drops them. Nothing can be submitted afterwards. Idempotent.
  void shut_down();

 private:
  void work();
  bool start_thread();
  void settle(std::unique_ptr<Worker> worker, napi_env env);

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Worker>> queue_;
  std::unordered_set<Worker*> running_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool closing_ = false;

  napi_threadsafe_function home_ = nullptr;  // brings finished workers to the environment's thread
  std::size_t unsettled_ = 0;                // environment's thread only; while above 0 the event loop stays alive
};

}  // namespace embedless::binding
