#include <algorithm>
#include <functional>

#include "code/codebook.h"
#include "code/saved_form.h"
#include "code/vectors.h"

/// A saved codebook, little-endian and without gaps:
///
///   char[8] "EMBLCODE" · u32 version · u32 metric · u32 dims · u32 components · u32 subspaces
///   f32 centroid unit (version 1 only) · f32 add unit · f32 rho · f32 low, high of s, of a, of e
///   u32 starts[subspaces + 1] · f32 mean[dims]
///   version 1: f16 rotation[components][dims] · f16 centroids[components][256]
///   version 2: f32 steps[components] · i8 rotation[components][dims]
///              f32 steps[components] · i8 centroids[components][256]
///   u32 crc32 of all bytes before it
///
/// Version 1 is the first; it has min(dims, 1,024) components. Version 2 takes a byte for each number of rotation and
/// centroids, -127 to 127 times the step of its component, and has any number of components up to that. Every version
/// ends with the checksum, so that damage is told from a newer form.
namespace embedless::code {
namespace {

using saved::Reader;
using saved::require;
using saved::Writer;

constexpr char magic[saved::magic_bytes] = {'E', 'M', 'B', 'L', 'C', 'O', 'D', 'E'};
constexpr auto newest = static_cast<std::uint32_t>(CodebookForm::bytes);
/// Up to and with the ranges, without the centroid unit.
constexpr std::size_t fixed_bytes = 60;
/// No number of a rotation is above 1, so no step is above this.
constexpr double longest_step = 1;

std::size_t saved_bytes(const CodebookParts& parts, std::size_t subspaces) {
  const std::size_t numbers = parts.components * (parts.dims + centroid_count);
  const std::size_t own =
      parts.form == CodebookForm::halves ? sizeof(float) + 2 * numbers : 8 * parts.components + numbers;
  return fixed_bytes + 4 * (subspaces + 1) + 4 * parts.dims + own + saved::crc_bytes;
}

ByteRange read_range(Reader& reader, double limit) {
  ByteRange range;
  range.low = reader.get_finite(limit, "a range is not finite");
  range.high = reader.get_finite(limit, "a range is not finite");
  require(range.low <= range.high, "a range is upside down");
  return range;
}

std::vector<std::uint32_t> read_starts(Reader& reader, std::size_t subspaces, std::size_t components) {
  std::vector<std::uint32_t> starts(subspaces + 1);
  for (std::uint32_t& start : starts) start = reader.get<std::uint32_t>();
  require(starts.front() == 0 && starts.back() == components, "the subspaces do not cover the components");
  require(std::adjacent_find(starts.begin(), starts.end(), std::greater_equal<>()) == starts.end(),
          "the subspaces are out of order");
  return starts;
}

void read_sizes(Reader& reader, std::size_t length, CodebookParts& parts, std::size_t& subspaces) {
  const auto metric = reader.get<std::uint32_t>();
  require(metric <= static_cast<std::uint32_t>(base::Metric::l2), "its metric is unknown");
  parts.metric = static_cast<base::Metric>(metric);
  parts.dims = reader.get<std::uint32_t>();
  parts.components = reader.get<std::uint32_t>();
  subspaces = reader.get<std::uint32_t>();
  require(parts.dims >= 1 && parts.dims <= max_dims, "its dims are out of range");
  const std::size_t most = std::min(parts.dims, max_components);
  require(
      parts.form == CodebookForm::halves ? parts.components == most : parts.components >= 1 && parts.components <= most,
      "its components do not belong to its dims");
  require(subspaces >= 1 && subspaces <= std::min(parts.components, max_code_bytes), "its subspaces are out of range");
  require(length == saved_bytes(parts, subspaces), "its length does not belong to its sizes");
}

void read_halves(Reader& reader, CodebookParts& parts) {
  parts.rotation = reader.get_halves(parts.components * parts.dims, 1, "its rotation is not finite");
  parts.centroids =
      reader.get_halves(parts.components * centroid_count, parts.centroid_unit, "a centroid is not finite");
}

void read_bytes(Reader& reader, CodebookParts& parts) {
  parts.rotation_steps.resize(parts.components);
  parts.rotation = reader.get_steps(parts.rotation_steps, parts.dims, longest_step, "its rotation is out of range");
  parts.centroid_steps.resize(parts.components);
  parts.centroids = reader.get_steps(parts.centroid_steps, centroid_count, max_norm, "a centroid is out of range");
}

}  // namespace

std::vector<std::uint8_t> Codebook::save() const {
  Writer writer(magic);
  writer.put(static_cast<std::uint32_t>(form()));
  writer.put(static_cast<std::uint32_t>(metric()));
  writer.put(static_cast<std::uint32_t>(dims()));
  writer.put(static_cast<std::uint32_t>(components()));
  writer.put(static_cast<std::uint32_t>(subspaces()));
  if (form() == CodebookForm::halves) writer.put(parts_.centroid_unit);
  writer.put(parts_.ranges.add_unit);
  writer.put(parts_.rho);
  for (const ByteRange& range : {parts_.ranges.scale, parts_.ranges.add, parts_.ranges.error}) {
    writer.put(range.low);
    writer.put(range.high);
  }
  for (const std::uint32_t start : parts_.starts) writer.put(start);
  writer.put_floats(parts_.mean);
  if (form() == CodebookForm::halves) {
    writer.put_halves(parts_.rotation, 1);
    writer.put_halves(parts_.centroids, parts_.centroid_unit);
  } else {
    writer.put_steps(parts_.rotation, parts_.rotation_steps);
    writer.put_steps(parts_.centroids, parts_.centroid_steps);
  }
  return writer.finish();
}

std::shared_ptr<const Codebook> Codebook::load(std::span<const std::uint8_t> bytes) {
  constexpr double largest = 1e30;
  Reader reader(bytes, magic, fixed_bytes);
  CodebookParts parts;
  parts.form = static_cast<CodebookForm>(reader.get_version(newest));
  std::size_t subspaces = 0;
  read_sizes(reader, bytes.size(), parts, subspaces);
  if (parts.form == CodebookForm::halves) parts.centroid_unit = reader.get_power_of_two();
  parts.ranges.add_unit = reader.get_power_of_two();
  parts.rho = reader.get_rho();
  parts.ranges.scale = read_range(reader, largest);
  parts.ranges.add = read_range(reader, largest);
  parts.ranges.error = read_range(reader, parts.metric == base::Metric::cosine ? largest : 80.0);
  parts.starts = read_starts(reader, subspaces, parts.components);
  parts.mean = reader.get_floats(parts.dims, max_norm, "the mean is not finite");
  if (parts.form == CodebookForm::halves) {
    read_halves(reader, parts);
  } else {
    read_bytes(reader, parts);
  }
  return std::make_shared<const Codebook>(std::move(parts));
}

}  // namespace embedless::code
