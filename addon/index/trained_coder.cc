#include "index/trained_coder.h"

#include "base/error.h"

namespace embedless::index {

std::shared_ptr<const Coder> train_coder(std::span<const float> vectors, const CoderTrainOptions& options) {
  if (options.code.bytes == 0) {
    return lvq_coder(code::LvqCode::train(vectors, {.dims = options.dims,
                                                    .metric = options.metric,
                                                    .levels = options.code.levels,
                                                    .projected = options.code.projected,
                                                    .projection = options.code.projection,
                                                    .queries = options.queries,
                                                    .seed = options.seed,
                                                    .threads = options.threads,
                                                    .stop = options.stop}));
  }
  base::expect(options.queries.empty(), "none, as only a projection fitted to queries takes them,", "queries",
               options.queries.size() / options.dims);
  return codebook_coder(code::Codebook::train(vectors, {.dims = options.dims,
                                                        .metric = options.metric,
                                                        .bytes = options.code.bytes,
                                                        .seed = options.seed,
                                                        .threads = options.threads,
                                                        .stop = options.stop}));
}

std::shared_ptr<const Coder> load_coder(std::span<const std::uint8_t> bytes) {
  if (code::LvqCode::is_saved(bytes)) return lvq_coder(code::LvqCode::load(bytes));
  return codebook_coder(code::Codebook::load(bytes));
}

}  // namespace embedless::index
