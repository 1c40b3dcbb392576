#include "code/encoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "code/synthetic.h"

namespace embedless::code {
namespace {

using synthetic::dot;
using synthetic::Source;

/// One vector encoded in plain double, as the formulas say.
struct PlainCode {
  std::vector<double> centred;     // x - m
  std::vector<double> components;  // X
  std::vector<std::uint8_t> code;

  PlainCode(const Codebook& codebook, const float* x) : codebook_(codebook) {
    for (std::size_t i = 0; i < codebook.dims(); ++i) centred.push_back(static_cast<double>(x[i]) - codebook.mean()[i]);
    for (std::size_t k = 0; k < codebook.components(); ++k) {
      double sum = 0;
      for (std::size_t i = 0; i < codebook.dims(); ++i)
        sum += codebook.rotation()[k * codebook.dims() + i] * centred[i];
      components.push_back(sum);
    }
    choose_nearest();
    for (int round = 0; round < 2; ++round) {
      for (std::size_t j = 0; j < codebook.subspaces(); ++j) choose_best_angle(j);
    }
  }

  double chosen(const std::uint8_t* codes, std::size_t subspace, std::size_t i) const {
    return codebook_.centroids(subspace)[i * centroid_count + codes[subspace]];
  }

  /// <X, D> and <D, D> of any code.
  std::pair<double, double> products(const std::uint8_t* codes) const {
    double xd = 0;
    double dd = 0;
    for (std::size_t j = 0; j < codebook_.subspaces(); ++j) {
      for (std::size_t i = 0; i < codebook_.width(j); ++i) {
        xd += components[codebook_.start(j) + i] * chosen(codes, j, i);
        dd += chosen(codes, j, i) * chosen(codes, j, i);
      }
    }
    return {xd, dd};
  }

  double cosine(const std::uint8_t* codes) const {
    const auto [xd, dd] = products(codes);
    return xd / std::sqrt(dd * squared(components));
  }

  /// |X - scale * D|, together with what lies outside the components.
  double error(const std::uint8_t* codes, double scale) const {
    double sum = std::max(0.0, squared(centred) - squared(components));
    if (codebook_.components() == codebook_.dims()) sum = 0;
    for (std::size_t j = 0; j < codebook_.subspaces(); ++j) {
      for (std::size_t i = 0; i < codebook_.width(j); ++i) {
        const double rest = components[codebook_.start(j) + i] - scale * chosen(codes, j, i);
        sum += rest * rest;
      }
    }
    return std::sqrt(sum);
  }

  /// The squared length that the scale stands for.
  double told() const {
    const double inside = squared(components);
    return codebook_.form() == CodebookForm::halves ? inside : std::min(squared(centred), 4 * inside);
  }

  double add() const {
    if (codebook_.metric() == base::Metric::l2) return squared(centred);
    double sum = 0;
    for (std::size_t i = 0; i < centred.size(); ++i) sum += centred[i] * codebook_.mean()[i];
    return sum;
  }

  static double squared(const std::vector<double>& x) {
    double sum = 0;
    for (const double value : x) sum += value * value;
    return sum;
  }

 private:
  void choose_nearest() {
    for (std::size_t j = 0; j < codebook_.subspaces(); ++j) {
      double best = INFINITY;
      code.push_back(0);
      for (std::size_t c = 0; c < centroid_count; ++c) {
        double distance = 0;
        for (std::size_t i = 0; i < codebook_.width(j); ++i) {
          const double rest = components[codebook_.start(j) + i] - codebook_.centroids(j)[i * centroid_count + c];
          distance += rest * rest;
        }
        if (distance < best) {
          best = distance;
          code[j] = static_cast<std::uint8_t>(c);
        }
      }
    }
  }

  void choose_best_angle(std::size_t j) {
    std::vector<std::uint8_t> trial = code;
    double best = -INFINITY;
    for (std::size_t c = 0; c < centroid_count; ++c) {
      trial[j] = static_cast<std::uint8_t>(c);
      const double found = cosine(trial.data());
      if (found > best) {
        best = found;
        code[j] = static_cast<std::uint8_t>(c);
      }
    }
  }

  const Codebook& codebook_;
};

Factors factors_of(const Codebook& codebook, const Encoded& encoded, std::size_t row) {
  std::vector<FactorException> own;
  for (const FactorException& exception : encoded.exceptions) {
    if (exception.row == row) own.push_back(exception);
  }
  return codebook.factors().read(&encoded.rows[row * codebook.row_bytes() + codebook.subspaces()], own.data(),
                                 own.size());
}

class EncoderByMetric : public testing::TestWithParam<base::Metric> {
 protected:
  static constexpr std::size_t dims_ = 24;
  static constexpr std::size_t count_ = 400;
  const std::vector<float> vectors_ = Source(dims_, 1).vectors(count_);
  const std::shared_ptr<const Codebook> codebook_ =
      Codebook::train(vectors_, {.dims = dims_, .metric = GetParam(), .bytes = 6});

  std::vector<float> admitted() const {
    return GetParam() == base::Metric::cosine ? synthetic::normalised(vectors_, dims_) : vectors_;
  }
};

TEST_P(EncoderByMetric, CodesAreAsGoodAsThePlainOnes) {
  const Encoded encoded = encode(*codebook_, vectors_);
  const std::vector<float> used = admitted();
  std::size_t different = 0;
  for (std::size_t n = 0; n < 60; ++n) {
    const PlainCode plain(*codebook_, &used[n * dims_]);
    const std::uint8_t* row = &encoded.rows[n * codebook_->row_bytes()];
    EXPECT_NEAR(plain.cosine(row), plain.cosine(plain.code.data()), 2e-3);
    different += !std::equal(plain.code.begin(), plain.code.end(), row);
  }
  // Rounding may turn a tie and send the descent elsewhere, but rarely.
  EXPECT_LE(different, 2u);
}

TEST_P(EncoderByMetric, FactorsAreThoseOfTheFormulas) {
  const Encoded encoded = encode(*codebook_, vectors_);
  const std::vector<float> used = admitted();
  const bool cosine = GetParam() == base::Metric::cosine;
  const FactorRanges& ranges = codebook_->parts().ranges;
  for (std::size_t n = 0; n < count_; ++n) {
    const PlainCode plain(*codebook_, &used[n * dims_]);
    const std::uint8_t* row = &encoded.rows[n * codebook_->row_bytes()];
    const Factors stored = factors_of(*codebook_, encoded, n);
    const double scale = plain.told() / plain.products(row).first;
    const double error = plain.error(row, stored.scale);
    const double log_step = (ranges.error.high - ranges.error.low) / 254;
    EXPECT_NEAR(stored.scale, scale, cosine ? ranges.scale.step() * 0.51 : std::fabs(scale) * 0x1p-11);
    EXPECT_NEAR(stored.add, plain.add(),
                cosine ? ranges.add.step() * 0.51 : std::fabs(plain.add()) * 0x1.01p-11 + 1e-6);
    EXPECT_NEAR(stored.error, error, cosine ? ranges.error.step() * 0.51 : error * log_step * 0.55);
  }
}

TEST_P(EncoderByMetric, ResultsDoNotDependOnTheCut) {
  const Encoded whole = encode(*codebook_, vectors_);
  for (const std::size_t piece : {1, 3, 15, 16, 17, 250}) {
    std::vector<std::uint8_t> rows;
    for (std::size_t first = 0; first < count_; first += piece) {
      const std::size_t size = std::min(piece, count_ - first);
      const Encoded part = encode(*codebook_, {&vectors_[first * dims_], size * dims_});
      rows.insert(rows.end(), part.rows.begin(), part.rows.end());
    }
    EXPECT_EQ(rows, whole.rows) << "pieces of " << piece;
  }
}

TEST_P(EncoderByMetric, DecodesToMeanPlusScaledCentroids) {
  const Encoded encoded = encode(*codebook_, vectors_);
  const std::vector<float> decoded = decode(*codebook_, encoded.rows, encoded.exceptions);
  const std::vector<float> used = admitted();
  ASSERT_EQ(decoded.size(), vectors_.size());
  for (std::size_t n = 0; n < count_; ++n) {
    double distance = 0;
    for (std::size_t i = 0; i < dims_; ++i)
      distance += std::pow(static_cast<double>(decoded[n * dims_ + i]) - used[n * dims_ + i], 2);
    const double error = factors_of(*codebook_, encoded, n).error;
    // Directions of bytes are orthogonal to a hundredth, those of float16 to a thousandth.
    const double length = std::sqrt(PlainCode::squared(PlainCode(*codebook_, &used[n * dims_]).centred));
    const double turned = codebook_->form() == CodebookForm::bytes ? 1e-2 * length : 0;
    EXPECT_NEAR(std::sqrt(distance), error, 0.05 * error + 5e-3 + turned) << "vector " << n;
  }
}

INSTANTIATE_TEST_SUITE_P(Metrics, EncoderByMetric,
                         testing::Values(base::Metric::cosine, base::Metric::ip, base::Metric::l2),
                         synthetic::metric_name);

TEST(Encoder, FactorsOutsideTheRangesBecomeExceptions) {
  const std::size_t dims = 16;
  // Trained around one direction, asked about the opposite one.
  std::vector<float> vectors = Source(dims, 2).vectors(500, 0.05);
  for (std::size_t n = 0; n < 500; ++n) vectors[n * dims] += 1;
  const auto codebook = Codebook::train(vectors, {.dims = dims, .bytes = 6});
  for (float& value : vectors) value = -value;
  const Encoded encoded = encode(*codebook, vectors);
  EXPECT_GE(encoded.exceptions.size(), 500u);
  EXPECT_TRUE(std::is_sorted(encoded.exceptions.begin(), encoded.exceptions.end(),
                             [](const auto& a, const auto& b) { return a.row < b.row; }));
  const std::vector<float> used = synthetic::normalised(vectors, dims);
  for (std::size_t n = 0; n < 500; ++n) {
    const PlainCode plain(*codebook, &used[n * dims]);
    const Factors stored = factors_of(*codebook, encoded, n);
    EXPECT_NEAR(stored.add, plain.add(), 1e-4);
    EXPECT_NEAR(stored.error, plain.error(&encoded.rows[n * codebook->row_bytes()], stored.scale), 1e-2);
  }
}

TEST(Encoder, TakesUpTo65536Vectors) {
  const auto codebook = Codebook::train(Source(1, 3).vectors(20), {.dims = 1, .metric = base::Metric::ip, .bytes = 1});
  EXPECT_EQ(encode(*codebook, std::vector<float>(65536, 100.0f)).rows.size(), 65536 * codebook->row_bytes());
  EXPECT_EQ(synthetic::error_code([&] { encode(*codebook, std::vector<float>(65537)); }), "LIMIT");
  EXPECT_TRUE(encode(*codebook, {}).rows.empty());
}

TEST(Encoder, RefusesBadInput) {
  const auto codebook = Codebook::train(Source(4, 4).vectors(50), {.dims = 4, .bytes = 2});
  std::vector<float> vectors = Source(4, 5).vectors(40);
  EXPECT_EQ(synthetic::error_code([&] { encode(*codebook, std::span(vectors).first(7)); }), "INVALID_ARGUMENT");
  std::fill(&vectors[20 * 4], &vectors[21 * 4], 0.0f);
  EXPECT_EQ(synthetic::error_code([&] { encode(*codebook, vectors); }), "INVALID_VECTOR");
  vectors[20 * 4] = NAN;
  EXPECT_EQ(synthetic::error_code([&] { encode(*codebook, vectors); }), "INVALID_VECTOR");
  base::StopFlag stop;
  stop.stop();
  EXPECT_EQ(synthetic::error_code([&] { encode(*codebook, std::span(vectors).first(4), &stop); }), "ABORTED");
}

TEST(Decoder, RefusesBadInput) {
  const auto codebook = Codebook::train(Source(4, 6).vectors(50), {.dims = 4, .bytes = 2});
  const std::vector<std::uint8_t> rows(codebook->row_bytes() * 3);
  const auto verdict = [&](std::span<const std::uint8_t> bytes, std::vector<FactorException> exceptions) {
    return synthetic::error_code([&] { decode(*codebook, bytes, exceptions); });
  };
  EXPECT_EQ(verdict(rows, {{0, 0, 0, 1}, {2, 2, 0, 1}}), "");
  EXPECT_EQ(verdict(std::span(rows).first(4), {}), "INVALID_ARGUMENT");
  EXPECT_EQ(verdict(rows, {{3, 0, 0, 1}}), "CORRUPT");
  EXPECT_EQ(verdict(rows, {{0, 3, 0, 1}}), "CORRUPT");
  EXPECT_EQ(verdict(rows, {{2, 0, 0, 1}, {1, 0, 0, 1}}), "CORRUPT");
}

}  // namespace
}  // namespace embedless::code
