// Codes of every kind behind one way to train and one to load.

#include "index/trained_coder.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "index/corpus.h"

namespace {

using namespace corpus;
using embedless::code::LvqLevels;
using embedless::code::Projection;
using embedless::index::CodeChoice;
using embedless::index::load_coder;
using embedless::index::train_coder;

struct Case {
  CodeChoice code;
  const char* kind;
  std::size_t row_bytes;
};

const Case cases[] = {
    {{.bytes = 5}, "pq", 8},
    {{.bytes = 0, .levels = LvqLevels::lvq4}, "lvq", 24},
    {{.bytes = 0, .levels = LvqLevels::lvq8}, "lvq", 32},
    {{.bytes = 0, .levels = LvqLevels::lvq4x8}, "lvq", 40},
    {{.bytes = 0, .levels = LvqLevels::lvq4, .projected = 9}, "leanvec", 21},
    {{.bytes = 0, .levels = LvqLevels::lvq8, .projected = 9, .projection = Projection::ood}, "leanvec", 25},
};

std::shared_ptr<const Coder> trained(const Case& one, const std::vector<float>& queries) {
  const bool asks = one.code.projection == Projection::ood;
  return train_coder(vectors(300, 1), {.dims = dims,
                                       .metric = Metric::cosine,
                                       .code = one.code,
                                       .queries = asks ? std::span(queries) : std::span<const float>()});
}

TEST(TrainedCoder, IsWhatItWasAskedToBeAndLoadsAgain) {
  const auto queries = vectors(40, 2);
  for (const Case& one : cases) {
    const auto coder = trained(one, queries);
    EXPECT_STREQ(coder->kind(), one.kind);
    EXPECT_EQ(coder->layout().row_bytes, one.row_bytes);
    EXPECT_EQ(coder->dims(), dims);
    EXPECT_GT(coder->rho(), 0);
    const auto again = load_coder(coder->save());
    EXPECT_STREQ(again->kind(), one.kind);
    EXPECT_EQ(again->save(), coder->save());
    EXPECT_EQ(again->rho(), coder->rho());
    EXPECT_EQ(again->encode(queries, nullptr).rows, coder->encode(queries, nullptr).rows);
  }
}

TEST(TrainedCoder, RefusesQueriesThatNothingIsFittedTo) {
  const auto queries = vectors(3, 2);
  for (const Case& one : cases) {
    if (one.code.projection == Projection::ood) continue;
    EXPECT_THROW(train_coder(vectors(300, 1), {.dims = dims, .code = one.code, .queries = queries}),
                 embedless::base::Error);
  }
}

TEST(TrainedCoder, DamageOfAnyKindIsCorrupt) {
  const auto queries = vectors(40, 2);
  for (const Case& one : cases) {
    const auto saved = trained(one, queries)->save();
    for (std::size_t at = 0; at < saved.size(); at += 1 + saved.size() / 200) {
      auto damaged = saved;
      damaged[at] ^= 0x20;
      try {
        load_coder(damaged);
        FAIL() << one.kind << " byte " << at;
      } catch (const embedless::base::Error& error) {
        ASSERT_STREQ(error.code, "CORRUPT");
      }
    }
    EXPECT_THROW(load_coder({}), embedless::base::Error);
  }
}

}  // namespace
