#include "binding/coder_object.h"

#include <limits>
#include <vector>

#include "binding/code_choice.h"
#include "binding/convert.h"
#include "binding/native_class.h"
#include "binding/stop_object.h"
#include "binding/worker.h"
#include "index/trained_coder.h"

namespace embedless::binding {

namespace {

/// Vectors that one `encode` takes at most: an exception names its row with 16 bits.
constexpr std::size_t most_encoded = 65535;
constexpr std::size_t most_trained = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t most_threads = 256;

Napi::Value wrap_coder(Napi::Env env, std::shared_ptr<const index::Coder> coder) {
  return wrap(env, std::make_unique<CoderObject>(std::move(coder)));
}

class TrainWorker final : public Worker {
 public:
  TrainWorker(Napi::Env env, std::vector<float> vectors, std::vector<float> queries,
              const index::CoderTrainOptions& options, std::shared_ptr<base::StopFlag> stop)
      : Worker(env, std::move(stop)), vectors_(std::move(vectors)), queries_(std::move(queries)), options_(options) {}

 protected:
  void run(const base::StopFlag& stop) override {
    options_.stop = &stop;
    options_.queries = queries_;
    coder_ = index::train_coder(vectors_, options_);
  }
  Napi::Value result(Napi::Env env) override { return wrap_coder(env, std::move(coder_)); }

 private:
  std::vector<float> vectors_;
  std::vector<float> queries_;
  index::CoderTrainOptions options_;
  std::shared_ptr<const index::Coder> coder_;
};

/// The sample of queries: needed where the code is fitted to them, refused elsewhere.
std::vector<float> sample_queries(const Napi::Value& value, const index::CoderTrainOptions& options) {
  if (!takes_queries(options.code)) {
    if (value.IsUndefined()) return {};
    throw WrongType("Expected no queries, as only leanvec with ood training takes them, but received " + show(value) +
                    ".");
  }
  auto queries = vectors(value, "queries", options.dims, most_trained);
  if (!queries.empty()) return queries;
  throw base::Error("INVALID_ARGUMENT", "Expected at least one query for queries, but received none.");
}

class EncodeWorker final : public Worker {
 public:
  EncodeWorker(Napi::Env env, std::shared_ptr<const index::Coder> coder, std::vector<float> vectors)
      : Worker(env, nullptr), coder_(std::move(coder)), vectors_(std::move(vectors)) {}

 protected:
  void run(const base::StopFlag& stop) override { encoded_ = coder_->encode(vectors_, &stop); }
  Napi::Value result(Napi::Env env) override {
    auto rows = Napi::Object::New(env);
    rows.Set("rows", to_js(env, encoded_.rows));
    rows.Set("exceptions", to_js(env, encoded_.exceptions));
    return rows;
  }

 private:
  std::shared_ptr<const index::Coder> coder_;
  std::vector<float> vectors_;
  code::Encoded encoded_;
};

}  // namespace

void CoderObject::define(Napi::Env env) {
  define_class<CoderObject>(env, {
                                     getter<CoderObject, &CoderObject::kind>("kind"),
                                     getter<CoderObject, &CoderObject::dims>("dims"),
                                     getter<CoderObject, &CoderObject::metric>("metric"),
                                     getter<CoderObject, &CoderObject::row_bytes>("rowBytes"),
                                     getter<CoderObject, &CoderObject::rho>("rho"),
                                     method<CoderObject, &CoderObject::save>("save"),
                                     async_method<CoderObject, &CoderObject::encode>("encode"),
                                     method<CoderObject, &CoderObject::decode>("decode"),
                                 });
}

Napi::Value CoderObject::kind(const Napi::CallbackInfo& info) { return Napi::String::New(info.Env(), coder->kind()); }

Napi::Value CoderObject::dims(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(coder->dims()));
}

Napi::Value CoderObject::metric(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), metric_name(coder->metric()));
}

Napi::Value CoderObject::row_bytes(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(coder->layout().row_bytes));
}

Napi::Value CoderObject::rho(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(coder->rho()));
}

Napi::Value CoderObject::save(const Napi::CallbackInfo& info) { return to_js(info.Env(), coder->save()); }

Napi::Value CoderObject::encode(const Napi::CallbackInfo& info) {
  auto given = vectors(info[0], "vectors", coder->dims(), most_encoded);
  return Worker::start(info.Env(), std::make_unique<EncodeWorker>(info.Env(), coder, std::move(given)));
}

Napi::Value CoderObject::decode(const Napi::CallbackInfo& info) {
  const auto factors = exceptions(info[1], "exceptions");
  return to_js(info.Env(), coder->decode(bytes(info[0], "rows"), factors));
}

Napi::Value train_codebook(const Napi::CallbackInfo& info) {
  constexpr const char* name = "options";
  const Napi::Value given = info[1];
  index::CoderTrainOptions options;
  options.dims = whole_number(property(given, name, "dims"), "dims", 1, code::max_dims);
  options.metric = metric(property(given, name, "metric"), "metric");
  options.code = code_choice(property(given, name, "code"), options.dims);
  options.seed = whole_number(property(given, name, "seed"), "seed", 0, (std::size_t{1} << 53) - 1, options.seed);
  const std::size_t threads =
      whole_number(property(given, name, "threads"), "threads", 1, most_threads, options.threads);
  options.threads = static_cast<unsigned>(threads);
  auto stop = stop_option(property(given, name, "stop"), "stop");
  auto queries = sample_queries(property(given, name, "queries"), options);
  auto sample = vectors(info[0], "vectors", options.dims, most_trained);
  return Worker::start(info.Env(), std::make_unique<TrainWorker>(info.Env(), std::move(sample), std::move(queries),
                                                                 options, std::move(stop)));
}

Napi::Value load_codebook(const Napi::CallbackInfo& info) {
  // Copied first: memory that another thread shares could change between a check and its use.
  const auto given = bytes(info[0], "bytes");
  const std::vector<std::uint8_t> saved(given.begin(), given.end());
  return wrap_coder(info.Env(), index::load_coder(saved));
}

Napi::Value create_empty_coder(const Napi::CallbackInfo& info) {
  const std::size_t dims = whole_number(info[0], "dims", 1, code::max_dims);
  return wrap_coder(info.Env(), index::no_coder(dims, metric(info[1], "metric")));
}

Napi::Value create_vector_coder(const Napi::CallbackInfo& info) {
  const code::VectorForm form = vector_form(info[0], "form");
  const std::size_t dims = whole_number(info[1], "dims", 1, code::max_dims);
  return wrap_coder(info.Env(), index::vector_coder(form, dims, metric(info[2], "metric")));
}

}  // namespace embedless::binding
