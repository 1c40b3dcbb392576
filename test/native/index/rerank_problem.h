#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "index/rerank.h"

/// Random candidates with known exact scores, and a rerank of them run to its end.
namespace rerank_problem {

using embedless::index::Answer;
using embedless::index::Estimated;
using embedless::index::Rerank;
using embedless::index::RerankOptions;

struct Problem {
  std::vector<Estimated> candidates;
  std::vector<double> exact;  // by node
  std::set<std::uint32_t> missing;
};

/// n candidates in order, exact scores off by about sigma; few distinct values, so that ties are common.
inline Problem random_problem(std::size_t n, double missing_share, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  Problem problem;
  for (std::uint32_t node = 0; node < n; ++node) {
    const auto estimate = static_cast<float>(std::round(20 * normal(random)) / 20);
    const auto sigma = static_cast<float>(0.05 + 0.05 * (random() % 4));
    problem.candidates.push_back({.node = node, .estimate = estimate, .sigma = sigma});
    problem.exact.push_back(std::round(40 * (estimate + 0.7 * sigma * normal(random))) / 40);
    if (std::bernoulli_distribution(missing_share)(random)) problem.missing.insert(node);
  }
  std::ranges::sort(problem.candidates, [](const Estimated& a, const Estimated& b) {
    return a.estimate != b.estimate ? a.estimate > b.estimate : a.node < b.node;
  });
  return problem;
}

/// Hands over some of the wanted nodes.
inline void feed_some(Rerank& rerank, const Problem& problem, const std::vector<std::uint32_t>& some) {
  std::vector<std::uint32_t> nodes, missing;
  std::vector<double> scores;
  for (const std::uint32_t node : some) (problem.missing.contains(node) ? missing : nodes).push_back(node);
  for (const std::uint32_t node : nodes) scores.push_back(problem.exact[node]);
  rerank.feed(nodes, scores, missing);
}

/// Runs a rerank to its end, at most `at_once` nodes a feed, in random order; gives the nodes that it asked for.
inline std::set<std::uint32_t> run(Rerank& rerank, const Problem& problem, unsigned seed,
                                   std::size_t at_once = SIZE_MAX) {
  std::mt19937 random(seed);
  std::set<std::uint32_t> asked;
  while (!rerank.done()) {
    auto wants = rerank.wants();
    std::ranges::shuffle(wants, random);
    wants.resize(std::min(wants.size(), at_once));
    asked.insert(wants.begin(), wants.end());
    feed_some(rerank, problem, wants);
  }
  return asked;
}

}  // namespace rerank_problem
