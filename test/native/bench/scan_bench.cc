// Nanoseconds a vector of the scan (sums, factors, selection) on one core, for every instruction set of this machine,
// beside the time of reading the same bytes; and the share of peak that `multiply` reaches.
//
//   scan_bench [codes = 1,000,000] [subspaces = 48] [rounds = 9]
//
// Rounds of all candidates are interleaved, so that a slow moment of the machine meets all alike; the best counts.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "kernel/kernel.h"

namespace kernel = embedless::kernel;

namespace {

template <class Work>
double seconds(Work work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Keeps the compiler from dropping a result nobody reads.
volatile std::uint64_t sink = 0;

/// The cheapest use of every byte that a compiler can vectorise: the sum of all words.
std::uint64_t read_all(const std::vector<std::uint8_t>& bytes) {
  constexpr std::size_t lanes = 16;
  std::uint64_t sums[lanes] = {};
  const std::uint8_t* from = bytes.data();
  for (std::size_t i = 0; i + lanes * 8 <= bytes.size(); i += lanes * 8) {
    for (std::size_t w = 0; w < lanes; ++w) {
      std::uint64_t word;
      std::memcpy(&word, from + i + 8 * w, sizeof word);
      sums[w] += word;
    }
  }
  std::uint64_t total = 0;
  for (const std::uint64_t sum : sums) total += sum;
  return total;
}

struct Codes {
  std::size_t blocks, subspaces;
  std::vector<std::uint8_t> tables, bytes;

  Codes(std::size_t count, std::size_t each)
      : blocks((count + kernel::block_nodes - 1) / kernel::block_nodes),
        subspaces(each),
        tables(each * 256),
        bytes(blocks * (each + 2) * kernel::block_nodes) {
    std::mt19937 random(7);
    for (auto& byte : tables) byte = static_cast<std::uint8_t>(random());
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  }

  kernel::ScanQuery query() const {
    return {tables.data(), subspaces, -3.0f, 0.001f, 0.8f, 0.002f,
            -0.1f,         0.001f,    0.05f, 1.0f,   1.0f, kernel::FactorForm::byte};
  }

  std::uint64_t scan(const kernel::Table& table, float threshold) const {
    const kernel::ScanQuery wanted = query();
    float estimates[kernel::block_nodes];
    std::uint64_t found = 0;
    for (std::size_t b = 0; b < blocks; ++b) {
      const std::uint8_t* block = bytes.data() + b * (subspaces + 2) * kernel::block_nodes;
      const std::uint8_t* factors = block + subspaces * kernel::block_nodes;
      const std::uint64_t mask =
          table.scan_block(wanted, {block, factors, factors + kernel::block_nodes}, threshold, estimates);
      found += static_cast<std::uint64_t>(mask != 0);
    }
    return found;
  }
};

std::vector<const kernel::Table*> supported_tables() {
  std::vector<const kernel::Table*> found;
  for (const kernel::Table* table : kernel::tables()) {
    if (table->supported()) found.push_back(table);
  }
  return found;
}

void bench_scan(std::size_t count, std::size_t subspaces, int rounds) {
  const Codes codes(count, subspaces);
  const auto tables = supported_tables();
  const double vectors = static_cast<double>(codes.blocks * kernel::block_nodes);
  double read = 1e9;
  std::vector<double> best(tables.size(), 1e9);
  for (int round = 0; round < rounds; ++round) {
    read = std::min(read, seconds([&] { sink = sink + read_all(codes.bytes); }));
    for (std::size_t t = 0; t < tables.size(); ++t) {
      best[t] = std::min(best[t], seconds([&] { sink = sink + codes.scan(*tables[t], 1e9f); }));
    }
  }
  std::printf("scan of %.0f codes of %zu + 2 bytes, best of %d\n", vectors, subspaces, rounds);
  std::printf("  %-10s %6.2f ns a vector\n", "read", read / vectors * 1e9);
  for (std::size_t t = 0; t < tables.size(); ++t) {
    std::printf("  %-10s %6.2f ns a vector, %.2f times the read\n", tables[t]->name, best[t] / vectors * 1e9,
                best[t] / read);
  }
}

void bench_multiply(std::size_t m, std::size_t n, std::size_t k) {
  std::vector<float> a(m * k, 0.5f), bt(n * k, 0.25f), c(m * n);
  for (const kernel::Table* table : supported_tables()) {
    double best = 1e9;
    for (int round = 0; round < 5; ++round) {
      best = std::min(best, seconds([&] { table->multiply(a.data(), bt.data(), c.data(), m, n, k); }));
    }
    const double operations = 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
    std::printf("  multiply %zu x %zu x %zu %-10s %6.1f GFLOP/s\n", m, n, k, table->name, operations / best * 1e-9);
  }
}

std::size_t argument(int count, char** values, int index, std::size_t otherwise) {
  return count > index ? static_cast<std::size_t>(std::strtoull(values[index], nullptr, 10)) : otherwise;
}

}  // namespace

int main(int count, char** values) {
  bench_scan(argument(count, values, 1, 1'000'000), argument(count, values, 2, 48),
             static_cast<int>(argument(count, values, 3, 9)));
  bench_multiply(2048, 384, 384);
  bench_multiply(512, 1024, 3072);
  bench_multiply(1, 384, 384);
}
