#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "index/code_store.h"

namespace embedless::index {

/// Nodes of one call at most: some bytes a node that is named become tens of kilobytes of numbers.
inline constexpr std::size_t most_decoded = 65536;

/// The vectors of nodes as far as their rows tell, row-major; dead nodes keep theirs. Any order, repeats allowed.
/// @throws Error INVALID_ARGUMENT for a node that the snapshot does not have, or rows that tell nothing; LIMIT beyond
/// `most_decoded` nodes.
std::vector<float> decode_nodes(const Snapshot& snapshot, const Coder& coder, std::span<const std::uint32_t> nodes);

}  // namespace embedless::index
