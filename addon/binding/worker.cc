#include "binding/worker.h"

#include <utility>

#include "binding/environment.h"

namespace embedless::binding {

Worker::Worker(Napi::Env env, std::shared_ptr<base::StopFlag> stop)
    : deferred_(Napi::Promise::Deferred::New(env)),
      stop_(stop ? std::move(stop) : std::make_shared<base::StopFlag>()) {}

Napi::Value Worker::start(Napi::Env env, std::unique_ptr<Worker> worker) {
  const Napi::Value promise = worker->deferred_.Promise();
  Environment::of(env).threads.submit(std::move(worker));
  return promise;
}

void Worker::execute() noexcept {
  try {
    stop_->check();
    run(*stop_);
  } catch (...) {
    failure_ = current_failure();
  }
}

void Worker::settle(Napi::Env env) noexcept {
  try {
    settle_or_throw(env);
  } catch (...) {
    // The environment is ending and refuses calls: nobody waits for this promise any more.
  }
}

void Worker::settle_or_throw(Napi::Env env) {
  const Napi::HandleScope scope(env);
  if (failure_) {
    deferred_.Reject(to_js_error(env, *failure_));
    return;
  }
  Napi::Value value;
  try {
    value = result(env);
  } catch (const Napi::Error& error) {
    deferred_.Reject(error.Value());
    return;
  } catch (...) {
    deferred_.Reject(to_js_error(env, current_failure()));
    return;
  }
  deferred_.Resolve(value);
}

}  // namespace embedless::binding
