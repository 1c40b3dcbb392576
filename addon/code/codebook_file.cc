#include <algorithm>
#include <functional>

#include "code/codebook.h"
#include "code/saved_form.h"
#include "code/vectors.h"

/// A saved codebook, little-endian and without gaps:
///
///   char[8] "EMBLCODE" · u32 version · u32 metric · u32 dims · u32 components · u32 subspaces
///   f32 centroid unit · f32 add unit · f32 rho · f32 low, high of s, of a, of e
///   u32 starts[subspaces + 1] · f32 mean[dims] · f16 rotation[components][dims] · f16 centroids[components][256]
///   u32 crc32 of all bytes before it
///
/// Version 1 is the first. Every version ends with the checksum, so that damage is told from a newer form.
namespace embedless::code {
namespace {

using saved::Reader;
using saved::require;
using saved::Writer;

constexpr char magic[saved::magic_bytes] = {'E', 'M', 'B', 'L', 'C', 'O', 'D', 'E'};
constexpr uint32_t version = 1;
constexpr size_t fixed_bytes = 64;

size_t saved_bytes(size_t dims, size_t components, size_t subspaces) {
  return fixed_bytes + 4 * (subspaces + 1) + 4 * dims + 2 * components * dims + 2 * components * centroid_count +
         saved::crc_bytes;
}

ByteRange read_range(Reader& reader, double limit) {
  ByteRange range;
  range.low = reader.get_finite(limit, "a range is not finite");
  range.high = reader.get_finite(limit, "a range is not finite");
  require(range.low <= range.high, "a range is upside down");
  return range;
}

std::vector<uint32_t> read_starts(Reader& reader, size_t subspaces, size_t components) {
  std::vector<uint32_t> starts(subspaces + 1);
  for (uint32_t& start : starts) start = reader.get<uint32_t>();
  require(starts.front() == 0 && starts.back() == components, "the subspaces do not cover the components");
  require(std::adjacent_find(starts.begin(), starts.end(), std::greater_equal<>()) == starts.end(),
          "the subspaces are out of order");
  return starts;
}

void read_sizes(Reader& reader, size_t length, CodebookParts& parts, size_t& subspaces) {
  const auto metric = reader.get<uint32_t>();
  require(metric <= static_cast<uint32_t>(Metric::l2), "its metric is unknown");
  parts.metric = static_cast<Metric>(metric);
  parts.dims = reader.get<uint32_t>();
  parts.components = reader.get<uint32_t>();
  subspaces = reader.get<uint32_t>();
  require(parts.dims >= 1 && parts.dims <= max_dims, "its dims are out of range");
  require(parts.components == std::min(parts.dims, max_components), "its components do not belong to its dims");
  require(subspaces >= 1 && subspaces <= std::min(parts.components, max_code_bytes), "its subspaces are out of range");
  require(length == saved_bytes(parts.dims, parts.components, subspaces), "its length does not belong to its sizes");
}

}  // namespace

std::vector<uint8_t> Codebook::save() const {
  Writer writer(magic);
  writer.put(version);
  writer.put(static_cast<uint32_t>(metric()));
  writer.put(static_cast<uint32_t>(dims()));
  writer.put(static_cast<uint32_t>(components()));
  writer.put(static_cast<uint32_t>(subspaces()));
  writer.put(parts_.centroid_unit);
  writer.put(parts_.ranges.add_unit);
  writer.put(parts_.rho);
  for (const ByteRange& range : {parts_.ranges.scale, parts_.ranges.add, parts_.ranges.error}) {
    writer.put(range.low);
    writer.put(range.high);
  }
  for (const uint32_t start : parts_.starts) writer.put(start);
  writer.put_floats(parts_.mean);
  writer.put_halves(parts_.rotation, 1);
  writer.put_halves(parts_.centroids, parts_.centroid_unit);
  return writer.finish();
}

std::shared_ptr<const Codebook> Codebook::load(std::span<const uint8_t> bytes) {
  constexpr double largest = 1e30;
  Reader reader(bytes, magic, fixed_bytes);
  reader.check_version(version);
  CodebookParts parts;
  size_t subspaces = 0;
  read_sizes(reader, bytes.size(), parts, subspaces);
  parts.centroid_unit = reader.get_power_of_two();
  parts.ranges.add_unit = reader.get_power_of_two();
  parts.rho = reader.get_rho();
  parts.ranges.scale = read_range(reader, largest);
  parts.ranges.add = read_range(reader, largest);
  parts.ranges.error = read_range(reader, parts.metric == Metric::cosine ? largest : 80.0);
  parts.starts = read_starts(reader, subspaces, parts.components);
  parts.mean = reader.get_floats(parts.dims, max_norm, "the mean is not finite");
  parts.rotation = reader.get_halves(parts.components * parts.dims, 1, "its rotation is not finite");
  parts.centroids = reader.get_halves(parts.components * centroid_count, parts.centroid_unit, "a centroid is not finite");
  return std::make_shared<const Codebook>(std::move(parts));
}

}  // namespace embedless::code
