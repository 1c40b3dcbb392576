// The loops of encoding and k-means of every instruction set, against plain double arithmetic.

#include "kernel/descent.h"

#include <cmath>
#include <random>
#include <vector>

#include "kernel/instruction_set.h"

namespace kernel = embedless::kernel;

namespace {

constexpr std::size_t count = kernel::descent_centroids;

class Descent : public InstructionSet {
 protected:
  std::vector<float> numbers(std::size_t n, float low = -1.0f, float high = 1.0f) {
    std::uniform_real_distribution<float> values(low, high);
    std::vector<float> result(n);
    for (float& value : result) value = values(random_);
    return result;
  }

  std::mt19937 random_{7};
};

TEST_P(Descent, BelongsToTheForcedTable) {
  const std::string name = GetParam()->name;
  EXPECT_EQ(name == "avx512vbmi" ? "avx512" : name, kernel::descent().name);
}

TEST_P(Descent, ProductsAgreeWithDouble) {
  for (const std::size_t width : {1, 2, 3, 7, 8, 9, 64, 129}) {
    const std::vector<float> x = numbers(width);
    const std::vector<float> centroids = numbers(width * count);
    std::vector<float> products(count);
    kernel::descent().products(x.data(), centroids.data(), width, products.data());
    for (std::size_t c = 0; c < count; ++c) {
      double exact = 0;
      double magnitude = 0;
      for (std::size_t i = 0; i < width; ++i) {
        const double product = static_cast<double>(x[i]) * centroids[i * count + c];
        exact += product;
        magnitude += std::abs(product);
      }
      ASSERT_NEAR(products[c], exact, 1e-5 * magnitude) << "centroid " << c << " of width " << width;
    }
  }
}

TEST_P(Descent, NearestFindsTheLargestWhereverItLies) {
  std::vector<float> products = numbers(count);
  const std::vector<float> norms = numbers(count, 0.0f, 1.0f);
  for (std::size_t c = 0; c < count; ++c) {
    const float before = products[c];
    products[c] = 9;
    EXPECT_EQ(kernel::descent().nearest(products.data(), norms.data()), c);
    products[c] = before;
  }
}

TEST_P(Descent, BestAngleAgreesWithTheCosineInDouble) {
  for (int round = 0; round < 200; ++round) {
    const std::vector<float> products = numbers(count);
    const std::vector<float> norms = numbers(count, 0.01f, 1.0f);
    const float xy = numbers(1, -2.0f, 4.0f)[0];
    const float yy = numbers(1, 0.0f, 3.0f)[0];
    const auto cosine = [&](std::size_t c) {
      return (static_cast<double>(xy) + products[c]) / std::sqrt(static_cast<double>(yy) + norms[c]);
    };
    double best = cosine(0);
    for (std::size_t c = 1; c < count; ++c) best = std::max(best, cosine(c));
    const std::size_t found = kernel::descent().best_angle(xy, yy, products.data(), norms.data());
    ASSERT_NEAR(cosine(found), best, 1e-5) << "round " << round;
  }
}

TEST_P(Descent, TiesGoToTheLowestCentroid) {
  const std::vector<float> same(count, 0.5f);
  EXPECT_EQ(kernel::descent().nearest(same.data(), same.data()), 0);
  EXPECT_EQ(kernel::descent().best_angle(1, 1, same.data(), same.data()), 0);
  std::vector<float> two = same;
  two[37] = two[201] = 2;
  EXPECT_EQ(kernel::descent().nearest(two.data(), same.data()), 37);
  EXPECT_EQ(kernel::descent().best_angle(1, 1, two.data(), same.data()), 37);
}

TEST_P(Descent, ZeroCentroidsGiveTheFirst) {
  const std::vector<float> zeros(count, 0.0f);
  EXPECT_EQ(kernel::descent().best_angle(0, 0, zeros.data(), zeros.data()), 0);
}

TEST_P(Descent, LargeNumbersDoNotOverflow) {
  std::vector<float> products(count, 1e29f);
  std::vector<float> norms(count, 1e29f);
  products[99] = 3e29f;
  EXPECT_EQ(kernel::descent().best_angle(1e29f, 1e29f, products.data(), norms.data()), 99);
}

INSTANTIATE_TEST_SUITE_P(Tables, Descent, testing::ValuesIn(compiled_tables()), table_name);

}  // namespace
