// The decoder of trained product quantisers: a block of the store, and what `loadCodebook` is given. With 1 and 2 bytes
// the seeds are of version 2; with more, rounding to bytes would be felt, and they are of version 1.

#include "fuzz/driver.h"
#include "fuzz/use.h"

int main(int argc, char** argv) {
  using namespace fuzz;
  Decoder decoder{.name = "codebook", .seeds = {}, .repair = {}, .run = {}};
  for (const auto metric : metrics) {
    for (const std::size_t bytes : {1, 2, 5, 16}) {
      const auto coder =
          index::train_coder(vectors(300, 1), {.dims = dims, .metric = metric, .code = {.bytes = bytes}});
      decoder.seeds.push_back({coder->save()});
    }
  }
  decoder.repair = [](Parts& parts) {
    for (auto& part : parts) repair_crc(part);
  };
  decoder.run = [](const Parts& parts) { use(index::load_coder(parts.empty() ? Bytes{} : parts[0])); };
  return run(argc, argv, decoder);
}
