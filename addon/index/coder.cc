#include "index/coder.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/error.h"
#include "code/estimator.h"
#include "code/lvq_estimator.h"
#include "code/vector_estimator.h"

namespace embedless::index {

namespace {

class CodebookScorer final : public Scorer {
 public:
  CodebookScorer(std::shared_ptr<const code::Codebook> codebook, std::span<const float> query)
      : codebook_(std::move(codebook)), estimator_(*codebook_, query) {}

  float estimate(const std::uint8_t* row, std::span<const code::FactorException> exceptions) const override {
    return estimator_.estimate(row, exceptions.data(), exceptions.size());
  }
  float sigma(const std::uint8_t* row, std::span<const code::FactorException> exceptions) const override {
    return estimator_.sigma(row, exceptions.data(), exceptions.size());
  }
  float first_estimate(const std::uint8_t* row) const override { return estimator_.quick_estimate(row); }
  void quick_estimates(std::span<const std::uint8_t* const> rows, float* out) const override {
    for (std::size_t i = 0; i < rows.size(); ++i) out[i] = estimator_.quick_estimate(rows[i]);
  }
  const kernel::ScanQuery* scan_query() const override { return &estimator_.scan_query(); }

 private:
  std::shared_ptr<const code::Codebook> codebook_;
  code::Estimator estimator_;
};

class CodebookCoder final : public Coder {
 public:
  explicit CodebookCoder(std::shared_ptr<const code::Codebook> codebook) : codebook_(std::move(codebook)) {}

  const char* kind() const override { return "pq"; }
  std::size_t dims() const override { return codebook_->dims(); }
  base::Metric metric() const override { return codebook_->metric(); }
  bool takes_exceptions() const override { return true; }
  Layout layout(RowOrder order) const override {
    if (order == RowOrder::walk) return {.row_bytes = codebook_->row_bytes()};
    const std::size_t factors = codebook_->row_bytes() - codebook_->subspaces();
    return {.row_bytes = codebook_->row_bytes(),
            .transposed = true,
            .subspaces = codebook_->subspaces(),
            .factor_bytes = (factors - 1) / 2};
  }
  float rho() const override { return codebook_->rho(); }
  std::vector<std::uint8_t> save() const override { return codebook_->save(); }
  code::Encoded encode(std::span<const float> vectors, const base::StopFlag* stop) const override {
    return code::encode(*codebook_, vectors, stop);
  }
  std::vector<float> decode(std::span<const std::uint8_t> rows,
                            std::span<const code::FactorException> exceptions) const override {
    return code::decode(*codebook_, rows, exceptions);
  }
  std::unique_ptr<const Scorer> prepare(std::span<const float> query) const override {
    return std::make_unique<CodebookScorer>(codebook_, query);
  }

 private:
  std::shared_ptr<const code::Codebook> codebook_;
};

void refuse_exceptions(std::span<const code::FactorException> exceptions) {
  if (exceptions.empty()) return;
  throw base::Error("INVALID_ARGUMENT", "Expected no exceptions with rows of this form, but received " +
                                            std::to_string(exceptions.size()) + ".");
}

class LvqScorer final : public Scorer {
 public:
  LvqScorer(std::shared_ptr<const code::LvqCode> code, std::span<const float> query)
      : code_(std::move(code)), estimator_(*code_, query) {}

  float estimate(const std::uint8_t* row, std::span<const code::FactorException>) const override {
    return estimator_.estimate(row);
  }
  float sigma(const std::uint8_t* row, std::span<const code::FactorException>) const override {
    return estimator_.sigma(row);
  }
  float first_estimate(const std::uint8_t* row) const override { return estimator_.first_estimate(row); }

 private:
  std::shared_ptr<const code::LvqCode> code_;
  code::LvqEstimator estimator_;
};

class LvqCoder final : public Coder {
 public:
  explicit LvqCoder(std::shared_ptr<const code::LvqCode> code) : code_(std::move(code)) {}

  const char* kind() const override { return code_->projects() ? "leanvec" : "lvq"; }
  std::size_t dims() const override { return code_->dims(); }
  base::Metric metric() const override { return code_->metric(); }
  Layout layout(RowOrder) const override {
    return {.row_bytes = code_->row_bytes(), .first_bytes = code_->first_bytes()};
  }
  float rho() const override { return code_->rho(); }
  std::vector<std::uint8_t> save() const override { return code_->save(); }
  code::Encoded encode(std::span<const float> vectors, const base::StopFlag* stop) const override {
    return {.rows = code::encode(*code_, vectors, stop), .exceptions = {}};
  }
  std::vector<float> decode(std::span<const std::uint8_t> rows,
                            std::span<const code::FactorException> exceptions) const override {
    refuse_exceptions(exceptions);
    return code::decode(*code_, rows);
  }
  std::unique_ptr<const Scorer> prepare(std::span<const float> query) const override {
    return std::make_unique<LvqScorer>(code_, query);
  }

 private:
  std::shared_ptr<const code::LvqCode> code_;
};

class VectorScorer final : public Scorer {
 public:
  VectorScorer(const code::VectorRows& rows, std::span<const float> query) : estimator_(rows, query) {}

  float estimate(const std::uint8_t* row, std::span<const code::FactorException>) const override {
    return estimator_.estimate(row);
  }
  float sigma(const std::uint8_t* row, std::span<const code::FactorException>) const override {
    return estimator_.sigma(row);
  }

 private:
  code::VectorEstimator estimator_;
};

void check_dims(std::size_t dims) {
  if (dims >= 1 && dims <= code::max_dims) return;
  throw base::Error("INVALID_ARGUMENT", "Expected 1 to " + std::to_string(code::max_dims) + " dims, but received " +
                                            std::to_string(dims) + ".");
}

[[noreturn]] void refuse_saving() {
  throw base::Error("INVALID_ARGUMENT",
                    "A coder of a plain form has nothing to save: form, dims and metric make it again.");
}

constexpr const char* form_names[] = {"float32", "float16", "lvq8", "int8"};

class VectorCoder final : public Coder {
 public:
  VectorCoder(code::VectorForm form, std::size_t dims, base::Metric metric)
      : rows_{.form = form, .dims = dims, .metric = metric} {
    check_dims(dims);
  }

  const char* kind() const override { return form_names[static_cast<std::size_t>(rows_.form)]; }
  std::size_t dims() const override { return rows_.dims; }
  base::Metric metric() const override { return rows_.metric; }
  Layout layout(RowOrder order) const override {
    const bool split = order == RowOrder::walk && rows_.form == code::VectorForm::float32;
    return {.row_bytes = rows_.row_bytes(), .split_dims = split ? rows_.dims : 0};
  }
  float rho() const override { return code::vector_form_rho(rows_.dims); }
  std::vector<std::uint8_t> save() const override { refuse_saving(); }
  code::Encoded encode(std::span<const float> vectors, const base::StopFlag* stop) const override {
    return {.rows = code::encode_vectors(rows_, vectors, stop), .exceptions = {}};
  }
  std::vector<float> decode(std::span<const std::uint8_t> rows,
                            std::span<const code::FactorException> exceptions) const override {
    refuse_exceptions(exceptions);
    return code::decode_vectors(rows_, rows);
  }
  std::unique_ptr<const Scorer> prepare(std::span<const float> query) const override {
    return std::make_unique<VectorScorer>(rows_, query);
  }

 private:
  code::VectorRows rows_;
};

/// Every estimate is 0.
class NoScorer final : public Scorer {
 public:
  float estimate(const std::uint8_t*, std::span<const code::FactorException>) const override { return 0; }
  float sigma(const std::uint8_t*, std::span<const code::FactorException>) const override { return 0; }
};

class NoCoder final : public Coder {
 public:
  NoCoder(std::size_t dims, base::Metric metric) : dims_(dims), metric_(metric) { check_dims(dims); }

  const char* kind() const override { return "none"; }
  bool estimates() const override { return false; }
  std::size_t dims() const override { return dims_; }
  base::Metric metric() const override { return metric_; }
  Layout layout(RowOrder) const override { return {}; }
  float rho() const override { return 0; }
  std::vector<std::uint8_t> save() const override { refuse_saving(); }
  code::Encoded encode(std::span<const float>, const base::StopFlag*) const override { return {}; }
  std::vector<float> decode(std::span<const std::uint8_t>, std::span<const code::FactorException>) const override {
    throw base::Error("INVALID_ARGUMENT", "Expected rows that tell of vectors, but those of kind none have no bytes.");
  }
  std::unique_ptr<const Scorer> prepare(std::span<const float>) const override { return std::make_unique<NoScorer>(); }

 private:
  std::size_t dims_;
  base::Metric metric_;
};

}  // namespace

std::shared_ptr<const Coder> no_coder(std::size_t dims, base::Metric metric) {
  return std::make_shared<NoCoder>(dims, metric);
}

std::shared_ptr<const Coder> codebook_coder(std::shared_ptr<const code::Codebook> codebook) {
  return std::make_shared<CodebookCoder>(std::move(codebook));
}

std::shared_ptr<const Coder> lvq_coder(std::shared_ptr<const code::LvqCode> code) {
  return std::make_shared<LvqCoder>(std::move(code));
}

std::shared_ptr<const Coder> vector_coder(code::VectorForm form, std::size_t dims, base::Metric metric) {
  return std::make_shared<VectorCoder>(form, dims, metric);
}

}  // namespace embedless::index
