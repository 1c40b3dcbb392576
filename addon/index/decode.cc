#include "index/decode.h"

#include <algorithm>
#include <string>

#include "base/error.h"

namespace embedless::index {

namespace {

/// Nodes decoded together: an exception names its row with 16 bits, and the rows' copies stay small.
constexpr std::size_t batch = 1024;

void decode_batch(const Snapshot& snapshot, const Coder& coder, std::span<const std::uint32_t> nodes,
                  std::vector<float>& vectors) {
  const std::size_t row_bytes = snapshot.layout().row_bytes;
  std::vector<std::uint8_t> rows(nodes.size() * row_bytes);
  std::vector<code::FactorException> exceptions;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (nodes[i] >= snapshot.count()) {
      throw base::Error("INVALID_ARGUMENT", "Expected nodes below " + std::to_string(snapshot.count()) +
                                                ", but received " + std::to_string(nodes[i]) + ".");
    }
    snapshot.read_row(nodes[i], &rows[i * row_bytes]);
    for (code::FactorException exception : snapshot.exceptions_of(nodes[i])) {
      exception.row = static_cast<std::uint16_t>(i);
      exceptions.push_back(exception);
    }
  }
  const std::vector<float> decoded = coder.decode(rows, exceptions);
  vectors.insert(vectors.end(), decoded.begin(), decoded.end());
}

}  // namespace

std::vector<float> decode_nodes(const Snapshot& snapshot, const Coder& coder, std::span<const std::uint32_t> nodes) {
  if (!coder.estimates()) {
    throw base::Error("INVALID_ARGUMENT",
                      "Expected an index whose rows tell of vectors, but those of kind none have no bytes.");
  }
  if (nodes.size() > most_decoded) {
    throw base::Error("LIMIT", "Expected at most " + std::to_string(most_decoded) + " nodes at once, but received " +
                                   std::to_string(nodes.size()) + ".");
  }
  std::vector<float> vectors;
  vectors.reserve(nodes.size() * coder.dims());
  for (std::size_t first = 0; first < nodes.size(); first += batch) {
    decode_batch(snapshot, coder, nodes.subspan(first, std::min(batch, nodes.size() - first)), vectors);
  }
  return vectors;
}

}  // namespace embedless::index
