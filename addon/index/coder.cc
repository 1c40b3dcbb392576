#include "index/coder.h"

#include <algorithm>
#include <string>
#include <utility>

#include "code/error.h"
#include "code/estimator.h"
#include "code/int8_coder.h"

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
  code::Metric metric() const override { return codebook_->metric(); }
  Layout layout() const override {
    const std::size_t factors = codebook_->row_bytes() - codebook_->subspaces();
    return {.row_bytes = codebook_->row_bytes(),
            .transposed = true,
            .subspaces = codebook_->subspaces(),
            .factor_bytes = (factors - 1) / 2};
  }
  std::vector<std::uint8_t> save() const override { return codebook_->save(); }
  code::Encoded encode(std::span<const float> vectors, const code::StopFlag* stop) const override {
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

class Int8Scorer final : public Scorer {
 public:
  Int8Scorer(const code::Int8Form& form, std::span<const float> query) : estimator_(form, query) {}

  float estimate(const std::uint8_t* row, std::span<const code::FactorException>) const override {
    return estimator_.estimate(row);
  }
  float sigma(const std::uint8_t* row, std::span<const code::FactorException>) const override {
    return estimator_.sigma(row);
  }

 private:
  code::Int8Estimator estimator_;
};

class Int8Coder final : public Coder {
 public:
  Int8Coder(std::size_t dims, code::Metric metric) : form_{.dims = dims, .metric = metric} {
    if (dims < 1 || dims > code::max_dims) {
      throw code::Error("INVALID_ARGUMENT", "Expected 1 to " + std::to_string(code::max_dims) +
                                                " dims, but received " + std::to_string(dims) + ".");
    }
  }

  const char* kind() const override { return "int8"; }
  std::size_t dims() const override { return form_.dims; }
  code::Metric metric() const override { return form_.metric; }
  Layout layout() const override { return {.row_bytes = form_.row_bytes()}; }
  std::vector<std::uint8_t> save() const override {
    throw code::Error("INVALID_ARGUMENT", "An int8 coder has nothing to save: dims and metric make it again.");
  }
  code::Encoded encode(std::span<const float> vectors, const code::StopFlag* stop) const override {
    return {.rows = code::encode_int8(form_, vectors, stop), .exceptions = {}};
  }
  std::vector<float> decode(std::span<const std::uint8_t> rows,
                            std::span<const code::FactorException> exceptions) const override {
    if (!exceptions.empty()) throw code::Error("INVALID_ARGUMENT", "Expected no exceptions with int8 rows.");
    return code::decode_int8(form_, rows);
  }
  std::unique_ptr<const Scorer> prepare(std::span<const float> query) const override {
    return std::make_unique<Int8Scorer>(form_, query);
  }

 private:
  code::Int8Form form_;
};

}  // namespace

std::shared_ptr<const Coder> codebook_coder(std::shared_ptr<const code::Codebook> codebook) {
  return std::make_shared<CodebookCoder>(std::move(codebook));
}

std::shared_ptr<const Coder> int8_coder(std::size_t dims, code::Metric metric) {
  return std::make_shared<Int8Coder>(dims, metric);
}

}  // namespace embedless::index
