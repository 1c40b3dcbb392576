#include "binding/index_object.h"

#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "binding/coder_object.h"
#include "binding/convert.h"
#include "binding/native_class.h"
#include "binding/search_object.h"
#include "binding/search_request.h"
#include "binding/worker.h"
#include "index/decode.h"
#include "index/scan_timing.h"
#include "index/search_session.h"

namespace embedless::binding {

namespace {

/// Rounds of one timing at most: nothing can stop it.
constexpr std::size_t most_rounds = 10'000;

/// Frees the memory of an array that the caller has given up, instead of leaving it to the garbage collector. An array
/// that shares its memory with others is left alone.
void release(Napi::Env env, const Napi::Uint8Array& array) {
  Napi::ArrayBuffer memory = array.ArrayBuffer();
  if (!memory.IsArrayBuffer()) return;  // shared memory, which others use
  if (array.ByteLength() != memory.ByteLength()) return;
  napi_detach_arraybuffer(env, memory);  // shared and pinned memory refuses, which is as good
}

class SearchWorker final : public Worker {
 public:
  SearchWorker(Napi::Env env, const index::CodeStore& store, std::vector<float> query, SearchRequest request)
      : Worker(env, std::move(request.stop)),
        coder_(store.coder()),
        snapshot_(store.snapshot()),
        query_(std::move(query)),
        options_(std::move(request.options)),
        filter_(std::move(request.filter)) {}

 protected:
  void run(const base::StopFlag& stop) override {
    options_.stop = &stop;
    options_.filter = filter_ ? &*filter_ : nullptr;
    session_.emplace(index::SearchSession::start(snapshot_, *coder_, std::move(query_), options_));
    snapshot_.reset();
  }
  Napi::Value result(Napi::Env env) override { return wrap(env, std::make_unique<SearchObject>(std::move(*session_))); }

 private:
  std::shared_ptr<const index::Coder> coder_;
  std::shared_ptr<const index::Snapshot> snapshot_;
  std::vector<float> query_;
  index::SearchOptions options_;
  std::optional<index::Bitmap> filter_;
  std::optional<index::SearchSession> session_;
};

class TimeScanWorker final : public Worker {
 public:
  TimeScanWorker(Napi::Env env, const index::CodeStore& store, std::vector<float> query,
                 const index::ScanTimingOptions& options)
      : Worker(env, nullptr),
        coder_(store.coder()),
        snapshot_(store.snapshot()),
        query_(std::move(query)),
        options_(options) {}

 protected:
  void run(const base::StopFlag& stop) override {
    options_.stop = &stop;
    timing_ = index::time_scan(*snapshot_, *coder_, query_, options_);
  }
  Napi::Value result(Napi::Env env) override {
    auto timing = Napi::Object::New(env);
    timing.Set("scanNs", timing_.scan_ns);
    timing.Set("readNs", timing_.read_ns);
    timing.Set("prepareNs", timing_.prepare_ns);
    return timing;
  }

 private:
  std::shared_ptr<const index::Coder> coder_;
  std::shared_ptr<const index::Snapshot> snapshot_;
  std::vector<float> query_;
  index::ScanTimingOptions options_;
  index::ScanTiming timing_{};
};

index::RowOrder row_order(const Napi::Value& given) {
  return static_cast<index::RowOrder>(choice(given, "order", {"scan", "walk"}, 0));
}

}  // namespace

void IndexObject::define(Napi::Env env) {
  define_class<IndexObject>(env, {
                                     getter<IndexObject, &IndexObject::count>("count"),
                                     getter<IndexObject, &IndexObject::live>("live"),
                                     getter<IndexObject, &IndexObject::memory_bytes>("memoryBytes"),
                                     method<IndexObject, &IndexObject::publish>("publish"),
                                     async_method<IndexObject, &IndexObject::search>("search"),
                                     method<IndexObject, &IndexObject::nearest>("nearest"),
                                     method<IndexObject, &IndexObject::vectors>("vectors"),
                                     method<IndexObject, &IndexObject::live_bits>("liveBits"),
                                 });
}

IndexObject::IndexObject(Napi::Env env, std::shared_ptr<const index::Coder> coder, index::RowOrder order)
    : store(std::make_shared<index::CodeStore>(std::move(coder), order)), env_(env) {}

IndexObject::~IndexObject() { report_memory(0); }

/// Tells the garbage collector how much memory hangs on the object, so that it is collected in time.
void IndexObject::report_memory(std::size_t bytes) {
  std::int64_t total;
  napi_adjust_external_memory(env_, static_cast<std::int64_t>(bytes) - static_cast<std::int64_t>(reported_), &total);
  reported_ = bytes;
}

Napi::Value IndexObject::count(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(store->snapshot()->count()));
}

Napi::Value IndexObject::live(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(store->snapshot()->live()));
}

Napi::Value IndexObject::memory_bytes(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(store->snapshot()->memory_bytes()));
}

Napi::Value IndexObject::publish(const Napi::CallbackInfo& info) {
  const Napi::Value encoded = property(info[0], "change", "rows");
  const Napi::Value dead = property(info[0], "change", "dead");
  const Napi::Value appended = property(info[0], "change", "nodes");
  const bool release_rows = property(info[0], "change", "release").ToBoolean();
  Napi::Value rows;
  index::Publication change;
  std::vector<code::FactorException> factors;
  std::vector<std::uint32_t> killed;  // copied: memory that another thread shares could change after its check
  if (!encoded.IsUndefined()) {
    rows = property(encoded, "rows", "rows");
    factors = exceptions(property(encoded, "rows", "exceptions"), "exceptions");
    change.rows = bytes(rows, "rows");
    change.exceptions = factors;
  }
  change.nodes = whole_number(appended, "nodes", 0, index::publication_rows, 0);
  if (!dead.IsUndefined()) {
    const auto given = nodes(dead, "dead");
    killed.assign(given.begin(), given.end());
    change.dead = killed;
  }
  store->publish(change);
  if (release_rows && !rows.IsEmpty()) release(info.Env(), rows.As<Napi::Uint8Array>());
  // Without the few bytes of exceptions: adding them up would look at every chunk at every publication.
  const auto snapshot = store->snapshot();
  report_memory(snapshot->chunks() * snapshot->layout().chunk_bytes());
  return info.Env().Undefined();
}

Napi::Value IndexObject::search(const Napi::CallbackInfo& info) {
  SearchRequest request = search_request(info[1]);
  auto query = vector(info[0], "query", store->coder()->dims());
  check_finite(query);
  return Worker::start(info.Env(),
                       std::make_unique<SearchWorker>(info.Env(), *store, std::move(query), std::move(request)));
}

Napi::Value IndexObject::nearest(const Napi::CallbackInfo& info) {
  const NearestRequest request = nearest_request(info[1]);
  const auto query = vector(info[0], "query", store->coder()->dims());
  check_finite(query);
  const auto found = index::nearest(store->snapshot(), *store->coder(), query, request.k, request.graph,
                                    request.filter ? &*request.filter : nullptr);
  std::vector<std::uint32_t> answered;
  std::vector<double> scores;
  for (const index::Candidate& one : found) {
    answered.push_back(one.node);
    scores.push_back(one.estimate);
  }
  auto result = Napi::Object::New(info.Env());
  result.Set("nodes", to_js(info.Env(), std::span<const std::uint32_t>(answered)));
  result.Set("scores", to_js(info.Env(), std::span<const double>(scores)));
  return result;
}

Napi::Value IndexObject::vectors(const Napi::CallbackInfo& info) {
  const auto given = nodes(info[0], "nodes");
  // Copied: memory that another thread shares could change between the check of a node and its use.
  const std::vector<std::uint32_t> wanted(given.begin(), given.end());
  return to_js(info.Env(), index::decode_nodes(*store->snapshot(), *store->coder(), wanted));
}

Napi::Value IndexObject::live_bits(const Napi::CallbackInfo& info) {
  return to_js(info.Env(), store->snapshot()->live_bits());
}

Napi::Value create_index(const Napi::CallbackInfo& info) {
  const auto coder = unwrap<CoderObject>(info[0], "coder").coder;
  const auto order = info[1].IsUndefined() ? index::RowOrder::scan : row_order(property(info[1], "options", "order"));
  const auto object = wrap(info.Env(), std::make_unique<IndexObject>(info.Env(), coder, order));
  // The coder as a property of its own: the very object that was given, kept alive by the garbage collector.
  const napi_property_descriptor own{"coder", nullptr, nullptr, nullptr, nullptr, info[0], napi_enumerable, nullptr};
  if (napi_define_properties(info.Env(), object, 1, &own) != napi_ok) throw Napi::Error::New(info.Env());
  return object;
}

Napi::Value time_scan(const Napi::CallbackInfo& info) {
  index::ScanTimingOptions options;
  options.pool = whole_number(property(info[2], "options", "pool"), "pool", 1, most_candidates);
  options.rounds = whole_number(property(info[2], "options", "rounds"), "rounds", 1, most_rounds);
  options.threads =
      static_cast<unsigned>(whole_number(property(info[2], "options", "threads"), "threads", 0, most_threads, 1));
  const auto& store = *unwrap<IndexObject>(info[0], "index").store;
  auto query = vector(info[1], "query", store.coder()->dims());
  check_finite(query);
  return Worker::start(info.Env(), std::make_unique<TimeScanWorker>(info.Env(), store, std::move(query), options));
}

}  // namespace embedless::binding
