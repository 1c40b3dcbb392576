#include "code/codebook.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <thread>

#include "base/float16.h"
#include "code/encoder.h"
#include "code/estimator.h"
#include "code/synthetic.h"

namespace embedless::code {
namespace {

using synthetic::error_code;
using synthetic::Source;

std::string refusal(std::span<const float> vectors, const TrainOptions& options) {
  return error_code([&] { Codebook::train(vectors, options); });
}

TEST(Codebook, HasTheShapeItWasAskedFor) {
  const std::vector<float> vectors = Source(40, 1).vectors(500);
  for (const base::Metric metric : {base::Metric::cosine, base::Metric::ip, base::Metric::l2}) {
    const auto codebook = Codebook::train(vectors, {.dims = 40, .metric = metric, .bytes = 8});
    EXPECT_EQ(codebook->dims(), 40u);
    EXPECT_EQ(codebook->metric(), metric);
    EXPECT_GE(codebook->components(), 8u);
    EXPECT_LE(codebook->components(), 40u);
    EXPECT_EQ(codebook->subspaces(), 8u);
    EXPECT_EQ(codebook->row_bytes(), metric == base::Metric::cosine ? 11u : 13u);
    // Errors of 40 even directions would spread by 1 / sqrt(40); real residuals prefer some.
    EXPECT_GT(codebook->rho(), 0.5 / std::sqrt(40.0));
    EXPECT_LT(codebook->rho(), 2 / std::sqrt(40.0));
  }
}

TEST(Codebook, IsMadeOfHalvesWhereDimsAreFew) {
  const auto codebook =
      Codebook::train(Source(8, 2).vectors(400, 1e-3), {.dims = 8, .metric = base::Metric::l2, .bytes = 8});
  ASSERT_EQ(codebook->form(), CodebookForm::halves);
  EXPECT_EQ(codebook->components(), 8u);
  const float unit = codebook->parts().centroid_unit;
  EXPECT_LT(unit, 1e-3f);
  for (const float value : codebook->parts().rotation) ASSERT_EQ(value, base::from_half(base::to_half(value)));
  for (const float value : codebook->parts().centroids)
    ASSERT_EQ(value, base::from_half(base::to_half(value / unit)) * unit);
}

TEST(Codebook, IsMadeOfStepsOtherwise) {
  const std::size_t dims = 24;
  for (const double norm : {1e-12, 1e-3, 1.0, 1e12}) {
    const auto codebook =
        Codebook::train(Source(dims, 2).vectors(400, norm), {.dims = dims, .metric = base::Metric::l2, .bytes = 6});
    ASSERT_EQ(codebook->form(), CodebookForm::bytes) << norm;
    const CodebookParts& parts = codebook->parts();
    ASSERT_EQ(parts.rotation_steps.size(), codebook->components());
    ASSERT_EQ(parts.centroid_steps.size(), codebook->components());
    const auto expect_steps = [](const std::vector<float>& values, const std::vector<float>& steps,
                                 std::size_t columns) {
      for (std::size_t i = 0; i < values.size(); ++i) {
        const float count = std::round(values[i] / steps[i / columns]);
        ASSERT_LE(std::fabs(count), 127);
        ASSERT_EQ(values[i], count * steps[i / columns]);
      }
    };
    expect_steps(parts.rotation, parts.rotation_steps, dims);
    expect_steps(parts.centroids, parts.centroid_steps, centroid_count);
  }
}

TEST(Codebook, IsMadeOfHalvesWhereAFewVectorsAreFarLonger) {
  const std::size_t dims = 64;
  std::vector<float> vectors = Source(dims, 12).vectors(600);
  const TrainOptions options{.dims = dims, .metric = base::Metric::l2, .bytes = 12};
  EXPECT_EQ(Codebook::train(vectors, options)->form(), CodebookForm::bytes);
  for (std::size_t i = 0; i < 3 * dims; ++i) vectors[i] *= 1e4f;
  EXPECT_EQ(Codebook::train(vectors, options)->form(), CodebookForm::halves);
}

TEST(Codebook, LeavesOutComponentsWithoutBitsAndTheirLengthCountsAllTheSame) {
  const std::size_t dims = 96;
  Source source(dims, 13);
  const auto codebook = Codebook::train(source.vectors(900), {.dims = dims, .metric = base::Metric::ip, .bytes = 6});
  ASSERT_EQ(codebook->form(), CodebookForm::bytes);
  EXPECT_LT(codebook->components(), 64u);
  EXPECT_GE(codebook->components(), codebook->subspaces());
  // Asked for the vector itself, the estimate holds what no component does.
  const std::vector<float> vectors = source.vectors(50);
  const Encoded encoded = encode(*codebook, vectors);
  for (std::size_t n = 0; n < 50; ++n) {
    std::vector<FactorException> own;
    for (const FactorException& exception : encoded.exceptions) {
      if (exception.row == n) own.push_back(exception);
    }
    const std::span<const float> x(&vectors[n * dims], dims);
    const double exact = synthetic::dot(x.data(), x.data(), dims);
    const std::uint8_t* row = &encoded.rows[n * codebook->row_bytes()];
    EXPECT_NEAR(Estimator(*codebook, x).estimate(row, own.data(), own.size()), exact, 0.02 * exact) << n;
  }
}

TEST(Codebook, RotationIsOrthonormal) {
  const std::size_t dims = 32;
  for (const std::size_t bytes : {std::size_t{8}, dims}) {
    const auto codebook = Codebook::train(Source(dims, 3).vectors(600), {.dims = dims, .bytes = bytes});
    const double off = codebook->form() == CodebookForm::bytes ? 2e-2 : 2e-3;
    EXPECT_EQ(codebook->form(), bytes == 8 ? CodebookForm::bytes : CodebookForm::halves);
    for (std::size_t i = 0; i < codebook->components(); ++i) {
      for (std::size_t j = 0; j <= i; ++j) {
        const double product = synthetic::dot(codebook->rotation() + i * dims, codebook->rotation() + j * dims, dims);
        ASSERT_NEAR(product, i == j ? 1 : 0, off);
      }
    }
  }
}

TEST(Codebook, RefusesBadOptions) {
  const std::vector<float> vectors = Source(4, 4).vectors(10);
  EXPECT_EQ(refusal(vectors, {.dims = 4, .bytes = 2}), "");
  EXPECT_EQ(refusal(vectors, {.dims = 0}), "INVALID_ARGUMENT");
  EXPECT_EQ(refusal(vectors, {.dims = 3}), "INVALID_ARGUMENT");
  EXPECT_EQ(refusal(vectors, {.dims = max_dims + 1}), "INVALID_ARGUMENT");
  EXPECT_EQ(refusal(vectors, {.dims = 4, .bytes = 0}), "INVALID_ARGUMENT");
  EXPECT_EQ(refusal(vectors, {.dims = 4, .bytes = max_code_bytes + 1}), "INVALID_ARGUMENT");
  EXPECT_EQ(refusal(vectors, {.dims = 4, .threads = 0}), "INVALID_ARGUMENT");
  EXPECT_EQ(refusal(vectors, {.dims = 4, .metric = static_cast<base::Metric>(3)}), "INVALID_ARGUMENT");
  EXPECT_EQ(refusal({}, {.dims = 4}), "INVALID_ARGUMENT");
}

TEST(Codebook, RefusesBadVectors) {
  for (const base::Metric metric : {base::Metric::cosine, base::Metric::ip, base::Metric::l2}) {
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      std::vector<float> vectors = Source(4, 5).vectors(300);
      vectors[1111] = bad;
      EXPECT_EQ(refusal(vectors, {.dims = 4, .metric = metric, .bytes = 2, .threads = 2}), "INVALID_VECTOR");
    }
  }
}

TEST(CodebookConcurrency, TheSameBytesForAnyNumberOfThreads) {
  const std::vector<float> vectors = Source(48, 6).vectors(900);
  for (const base::Metric metric : {base::Metric::cosine, base::Metric::l2}) {
    const auto one = Codebook::train(vectors, {.dims = 48, .metric = metric, .bytes = 12, .threads = 1})->save();
    EXPECT_EQ(one, Codebook::train(vectors, {.dims = 48, .metric = metric, .bytes = 12, .threads = 2})->save());
    EXPECT_EQ(one, Codebook::train(vectors, {.dims = 48, .metric = metric, .bytes = 12, .threads = 5})->save());
  }
}

TEST(Codebook, TheSeedChangesTheCodebook) {
  const std::vector<float> vectors = Source(16, 7).vectors(600);
  const auto first = Codebook::train(vectors, {.dims = 16, .bytes = 4, .seed = 1})->save();
  EXPECT_EQ(first, Codebook::train(vectors, {.dims = 16, .bytes = 4, .seed = 1})->save());
  EXPECT_NE(first, Codebook::train(vectors, {.dims = 16, .bytes = 4, .seed = 2})->save());
}

TEST(CodebookConcurrency, StopsBeforeAndDuringTraining) {
  const std::vector<float> vectors = Source(200, 8).vectors(4000);
  base::StopFlag raised;
  raised.stop();
  EXPECT_THROW(Codebook::train(vectors, {.dims = 200, .stop = &raised}), base::Stopped);
  base::StopFlag later;
  std::jthread stopper([&later] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    later.stop();
  });
  EXPECT_EQ(refusal(vectors, {.dims = 200, .threads = 2, .stop = &later}), "ABORTED");
}

TEST(Codebook, SavedAndLoadedNothingChanges) {
  for (const auto& [metric, code_bytes] : {std::pair{base::Metric::cosine, std::size_t{6}},
                                           {base::Metric::ip, 6},
                                           {base::Metric::l2, 6},
                                           {base::Metric::cosine, 40},
                                           {base::Metric::l2, 40}}) {
    const std::vector<float> vectors = Source(40, 9).vectors_of_norms(600, 1e-2, 1e2);
    const auto trained = Codebook::train(vectors, {.dims = 40, .metric = metric, .bytes = code_bytes});
    if (metric == base::Metric::cosine) {
      EXPECT_EQ(trained->form(), code_bytes == 40 ? CodebookForm::halves : CodebookForm::bytes);
    }
    const std::vector<std::uint8_t> bytes = trained->save();
    const auto loaded = Codebook::load(bytes);
    EXPECT_EQ(loaded->save(), bytes);
    EXPECT_EQ(loaded->parts().centroids, trained->parts().centroids);
    const Encoded before = encode(*trained, vectors);
    const Encoded after = encode(*loaded, vectors);
    EXPECT_EQ(before.rows, after.rows);
    ASSERT_EQ(before.exceptions.size(), after.exceptions.size());
    EXPECT_EQ(decode(*trained, before.rows, before.exceptions), decode(*loaded, after.rows, after.exceptions));
    const std::vector<float> query = Source(40, 10).vectors(1);
    const Estimator first(*trained, query);
    const Estimator second(*loaded, query);
    for (std::size_t i = 0; i < 600; ++i) {
      const std::uint8_t* row = &before.rows[i * trained->row_bytes()];
      ASSERT_EQ(first.estimate(row), second.estimate(row));
      ASSERT_EQ(first.sigma(row), second.sigma(row));
    }
  }
}

}  // namespace
}  // namespace embedless::code
