// The vectors behind nodes.

#include "index/decode.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "index/corpus.h"

namespace {

using namespace corpus;
using embedless::index::decode_nodes;

TEST(Decode, GivesEachNodeWhatItsRowHoldsInTheOrderAsked) {
  for (const auto& coder : coders()) {
    CodeStore store(coder);
    PlainStore plain(*coder);
    const Encoded rows = random_rows(*coder, 5000, 3);
    store.publish({.rows = rows.rows, .exceptions = rows.exceptions, .dead = std::vector<std::uint32_t>{7, 4096}});
    plain.append(rows);
    std::vector<std::uint32_t> nodes{4999, 7, 0, 7, 4096, 4095};
    for (std::uint32_t i = 0; i < 1100; ++i) nodes.push_back(i * 4 + 1);
    const auto vectors = decode_nodes(*store.snapshot(), *coder, nodes);
    ASSERT_EQ(vectors.size(), nodes.size() * dims);
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      auto exceptions = plain.exceptions[nodes[i]];
      for (auto& exception : exceptions) exception.row = 0;
      const auto expected = coder->decode(plain.rows[nodes[i]], exceptions);
      ASSERT_TRUE(std::equal(expected.begin(), expected.end(), &vectors[i * dims])) << coder->kind() << " " << i;
    }
    EXPECT_TRUE(decode_nodes(*store.snapshot(), *coder, {}).empty());
  }
}

TEST(Decode, RefusesANodeThatNeverWas) {
  const auto coder = codebook(Metric::ip);
  CodeStore store(coder);
  const std::uint32_t zero = 0;
  EXPECT_THROW(decode_nodes(*store.snapshot(), *coder, {&zero, 1}), embedless::base::Error);
  store.publish({.rows = random_rows(*coder, 3, 1).rows, .exceptions = {}, .dead = {}});
  const std::vector<std::uint32_t> nodes{0, 2, 3};
  EXPECT_THROW(decode_nodes(*store.snapshot(), *coder, nodes), embedless::base::Error);
  EXPECT_NO_THROW(decode_nodes(*store.snapshot(), *coder, std::span(nodes).first(2)));
}

TEST(Decode, RefusesRowsThatTellNothingAndNodesWithoutEnd) {
  const auto nothing = embedless::index::no_coder(dims, Metric::cosine);
  CodeStore empty(nothing);
  empty.publish({.nodes = 3});
  const std::vector<std::uint32_t> nodes{0};
  EXPECT_THROW(decode_nodes(*empty.snapshot(), *nothing, nodes), embedless::base::Error);
  const auto coder = codebook(Metric::ip);
  CodeStore store(coder);
  store.publish({.rows = random_rows(*coder, 3, 1).rows});
  const std::vector<std::uint32_t> many(embedless::index::most_decoded + 1, 2);
  EXPECT_THROW(decode_nodes(*store.snapshot(), *coder, many), embedless::base::Error);
  EXPECT_EQ(decode_nodes(*store.snapshot(), *coder, std::span(many).first(many.size() - 1)).size(),
            (many.size() - 1) * dims);
}

}  // namespace
