#include "binding/worker_threads.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "binding/worker.h"

namespace embedless::binding {

namespace {

/// Threads of one environment at most: as many as libuv has, or one a core. More would only queue in the scheduler.
std::size_t most_threads() { return std::max<std::size_t>(4, std::thread::hardware_concurrency()); }

/// All that exist in this process. `process.exit()` runs no cleanup hooks on the main thread, but static destructors do
/// run: this one ends the threads before anything that they use is destroyed.
class Alive {
 public:
  ~Alive() {
    const std::lock_guard lock(mutex_);
    for (WorkerThreads* threads : all_) threads->shut_down();
  }
  void add(WorkerThreads* threads) {
    const std::lock_guard lock(mutex_);
    all_.insert(threads);
  }
  void remove(WorkerThreads* threads) {
    const std::lock_guard lock(mutex_);
    all_.erase(threads);
  }

 private:
  std::mutex mutex_;
  std::unordered_set<WorkerThreads*> all_;
};

Alive& alive() {
  static Alive all;
  return all;
}

}  // namespace

WorkerThreads::WorkerThreads(napi_env env) {
  const auto name = Napi::String::New(env, "embedless");
  const auto bring_home = [](napi_env home, napi_value, void* context, void* data) {
    static_cast<WorkerThreads*>(context)->settle(std::unique_ptr<Worker>(static_cast<Worker*>(data)), home);
  };
  if (napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, this, bring_home, &home_) !=
          napi_ok ||
      napi_unref_threadsafe_function(env, home_) != napi_ok) {
    throw Napi::Error::New(env);
  }
  // Hooks run in reverse order, so this one runs, and joins the threads, while `home_` still exists.
  const auto hook = [](void* threads) { static_cast<WorkerThreads*>(threads)->shut_down(); };
  if (napi_add_env_cleanup_hook(env, hook, this) != napi_ok) throw Napi::Error::New(env);
  alive().add(this);
}

WorkerThreads::~WorkerThreads() {
  alive().remove(this);
  shut_down();
}

void WorkerThreads::submit(std::unique_ptr<Worker> worker) {
  {
    const std::lock_guard lock(mutex_);
    if (closing_) return;
    if (idle_ <= queue_.size() && !start_thread() && threads_.empty()) {
      throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again));
    }
    queue_.push_back(std::move(worker));
  }
  changed_.notify_one();
  if (unsettled_++ == 0) napi_ref_threadsafe_function(nullptr, home_);
}

/// Starts one more thread if there may be one; false if the system refuses.
bool WorkerThreads::start_thread() {
  if (threads_.size() >= most_threads()) return true;
  try {
    threads_.emplace_back([this] { work(); });
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

void WorkerThreads::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    changed_.wait(lock, [this] { return closing_ || !queue_.empty(); });
    --idle_;
    if (closing_) return;
    std::unique_ptr<Worker> worker = std::move(queue_.front());
    queue_.pop_front();
    running_.insert(worker.get());
    lock.unlock();
    worker->execute();
    lock.lock();
    running_.erase(worker.get());
    if (closing_) return;
    if (napi_call_threadsafe_function(home_, worker.get(), napi_tsfn_nonblocking) == napi_ok) worker.release();
  }
}

/// On the environment's thread; `env` is null if it is ending.
void WorkerThreads::settle(std::unique_ptr<Worker> worker, napi_env env) {
  if (env == nullptr) return;
  if (--unsettled_ == 0) napi_unref_threadsafe_function(env, home_);
  worker->settle(env);
}

void WorkerThreads::shut_down() {
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    for (Worker* worker : running_) worker->stop();
    queue_.clear();
    threads.swap(threads_);
  }
  changed_.notify_all();
  for (std::thread& thread : threads) thread.join();
}

}  // namespace embedless::binding
