#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "fuzz/mutate.h"

/// Runs one decoder of untrusted bytes on mutants of valid ones, under sanitizers:
///
///   <decoder>_fuzz [--seconds N] [--seed S] [--runs N] [--out folder] [mutant file...]
///
/// Without files it mutates for N seconds (20 unless said) or N runs; with files it runs them alone. A crash, a run of
/// more than a second of processor time, an exception that is no `base::Error` or too much memory writes the mutant to
/// `<decoder>-<seed>-<run>.mutant` in `--out` (the current folder) and ends with 1.
namespace fuzz {

struct Decoder {
  const char* name;
  /// Valid inputs.
  std::vector<Parts> seeds;
  /// Makes the checksums of an input right; done to half of the mutants. None where there are no checksums.
  std::function<void(Parts&)> repair;
  /// Decodes, and uses what came out. Throws `base::Error` for what it refuses.
  std::function<void(const Parts&)> run;
};

/// Bytes that a run may hold at once: what comes out of an input must be in proportion to it.
inline std::size_t most_memory(const Parts& parts) {
  std::size_t bytes = 0;
  for (const auto& part : parts) bytes += part.size();
  return 2 * bytes + (std::size_t{64} << 20);
}

/// The program. Returns its exit code.
int run(int argc, char** argv, const Decoder& decoder);

}  // namespace fuzz
