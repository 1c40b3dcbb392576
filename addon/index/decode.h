#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "index/code_store.h"

namespace embedless::index {

/// The vectors of nodes as far as their rows tell, row-major; dead nodes keep theirs. Any order, repeats allowed.
/// @throws Error INVALID_ARGUMENT for a node that the snapshot does not have.
std::vector<float> decode_nodes(const Snapshot& snapshot, const Coder& coder, std::span<const std::uint32_t> nodes);

}  // namespace embedless::index
