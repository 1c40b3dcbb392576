#include <algorithm>

#include "code/lvq_code.h"
#include "code/saved_form.h"
#include "code/vectors.h"

/// A saved code of the LVQ family, little-endian and without gaps:
///
///   char[8] "EMBLLVQC" · u32 version · u32 metric · u32 levels · u32 dims · u32 projected · u32 sides
///   f32 passage unit · f32 query unit · f32 rho
///   f32 mean[dims] · f16 passage side[projected][dims] · f16 query side[projected][dims] if there are two sides
///   u32 crc32 of all bytes before it
///
/// Version 1 is the first. Levels are numbered as in `LvqLevels`.
namespace embedless::code {
namespace {

using saved::Reader;
using saved::require;
using saved::Writer;

constexpr char magic[saved::magic_bytes] = {'E', 'M', 'B', 'L', 'L', 'V', 'Q', 'C'};
constexpr std::uint32_t version = 1;
constexpr std::size_t fixed_bytes = 44;

std::size_t sides_of(const LvqParts& parts) {
  return (parts.passage_side.empty() ? 0 : 1) + (parts.query_side.empty() ? 0 : 1);
}

std::size_t saved_bytes(std::size_t dims, std::size_t projected, std::size_t sides) {
  return fixed_bytes + 4 * dims + 2 * sides * projected * dims + saved::crc_bytes;
}

/// Sizes, all checked against each other and the length. Returns the number of sides.
std::size_t read_sizes(Reader& reader, std::size_t length, LvqParts& parts) {
  const auto metric = reader.get<std::uint32_t>();
  require(metric <= static_cast<std::uint32_t>(base::Metric::l2), "its metric is unknown");
  parts.metric = static_cast<base::Metric>(metric);
  const auto levels = reader.get<std::uint32_t>();
  require(levels <= static_cast<std::uint32_t>(LvqLevels::lvq4x8), "its levels are unknown");
  parts.levels = static_cast<LvqLevels>(levels);
  parts.dims = reader.get<std::uint32_t>();
  require(parts.dims >= 1 && parts.dims <= max_dims, "its dims are out of range");
  parts.projected = reader.get<std::uint32_t>();
  require(parts.projected <= std::min(parts.dims, max_projected), "its projection is out of range");
  require(parts.projected == 0 || parts.levels != LvqLevels::lvq4x8, "its levels do not belong to a projection");
  const std::size_t sides = reader.get<std::uint32_t>();
  require(parts.projected == 0 ? sides == 0 : sides == 1 || sides == 2, "its sides do not belong to its projection");
  require(length == saved_bytes(parts.dims, parts.projected, sides), "its length does not belong to its sizes");
  return sides;
}

}  // namespace

bool LvqCode::is_saved(std::span<const std::uint8_t> bytes) { return saved::starts_with(bytes, magic); }

std::vector<std::uint8_t> LvqCode::save() const {
  Writer writer(magic);
  writer.put(version);
  writer.put(static_cast<std::uint32_t>(metric()));
  writer.put(static_cast<std::uint32_t>(levels()));
  writer.put(static_cast<std::uint32_t>(dims()));
  writer.put(static_cast<std::uint32_t>(parts_.projected));
  writer.put(static_cast<std::uint32_t>(sides_of(parts_)));
  writer.put(parts_.passage_unit);
  writer.put(parts_.query_unit);
  writer.put(parts_.rho);
  writer.put_floats(parts_.mean);
  writer.put_halves(parts_.passage_side, parts_.passage_unit);
  writer.put_halves(parts_.query_side, parts_.query_unit);
  return writer.finish();
}

std::shared_ptr<const LvqCode> LvqCode::load(std::span<const std::uint8_t> bytes) {
  Reader reader(bytes, magic, fixed_bytes);
  reader.get_version(version);
  LvqParts parts;
  const std::size_t sides = read_sizes(reader, bytes.size(), parts);
  parts.passage_unit = reader.get_power_of_two();
  parts.query_unit = reader.get_power_of_two();
  parts.rho = reader.get_rho();
  parts.mean = reader.get_floats(parts.dims, max_norm, "the mean is not finite");
  const std::size_t side = parts.projected * parts.dims;
  parts.passage_side = reader.get_halves(side, parts.passage_unit, "its projection is not finite");
  if (sides == 2) parts.query_side = reader.get_halves(side, parts.query_unit, "its projection is not finite");
  return std::make_shared<const LvqCode>(std::move(parts));
}

}  // namespace embedless::code
