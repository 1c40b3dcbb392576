// The decoder of the LVQ family: means, levels and projections.

#include "fuzz/driver.h"
#include "fuzz/use.h"

int main(int argc, char** argv) {
  using namespace fuzz;
  using embedless::code::LvqLevels;
  using embedless::code::Projection;
  Decoder decoder{.name = "lvq", .seeds = {}, .repair = {}, .run = {}};
  const auto queries = vectors(64, 2);
  for (const auto metric : metrics) {
    const index::CodeChoice choices[] = {
        {.bytes = 0, .levels = LvqLevels::lvq4},
        {.bytes = 0, .levels = LvqLevels::lvq8},
        {.bytes = 0, .levels = LvqLevels::lvq4x8},
        {.bytes = 0, .levels = LvqLevels::lvq8, .projected = 9},
        {.bytes = 0, .levels = LvqLevels::lvq4, .projected = 4, .projection = Projection::ood},
    };
    for (const auto& choice : choices) {
      index::CoderTrainOptions options{.dims = dims, .metric = metric, .code = choice};
      if (choice.projection == Projection::ood) options.queries = queries;
      decoder.seeds.push_back({index::train_coder(vectors(300, 1), options)->save()});
    }
  }
  decoder.repair = [](Parts& parts) {
    for (auto& part : parts) repair_crc(part);
  };
  decoder.run = [](const Parts& parts) { use(index::load_coder(parts.empty() ? Bytes{} : parts[0])); };
  return run(argc, argv, decoder);
}
