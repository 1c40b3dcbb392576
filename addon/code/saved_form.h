#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "base/crc32.h"
#include "base/error.h"
#include "base/float16.h"

/// How trained codes are written to bytes and read back: little-endian, without gaps, a magic word first and the CRC-32
/// of all before it last, so that damage is told from a newer form.
namespace embedless::code::saved {

static_assert(std::endian::native == std::endian::little, "codes are read and written as they lie in memory");

inline constexpr std::size_t magic_bytes = 8;
inline constexpr std::size_t crc_bytes = 4;
/// Numbers in steps are this many of them at most, up or down, so that each takes a byte.
inline constexpr int most_steps = 127;

[[noreturn]] inline void corrupt(const std::string& what) {
  throw base::Error("CORRUPT", "The codebook is damaged: " + what + ".");
}

inline void require(bool holds, const char* what) {
  if (!holds) corrupt(what);
}

class Writer {
 public:
  explicit Writer(const char (&magic)[magic_bytes]) { bytes_.assign(magic, magic + magic_bytes); }

  template <class T>
  void put(const T& value) {
    const auto* from = reinterpret_cast<const std::uint8_t*>(&value);
    bytes_.insert(bytes_.end(), from, from + sizeof value);
  }
  void put_floats(const std::vector<float>& values) {
    for (const float value : values) put(value);
  }
  void put_halves(const std::vector<float>& values, float unit) {
    for (const float value : values) put(base::to_half(value / unit));
  }
  /// Rows of `columns` numbers, each a whole multiple of its row's step: the steps, then a byte for each number.
  void put_steps(const std::vector<float>& values, const std::vector<float>& steps) {
    put_floats(steps);
    const std::size_t columns = values.size() / steps.size();
    for (std::size_t i = 0; i < values.size(); ++i) {
      const float step = steps[i / columns];
      put(static_cast<std::int8_t>(step > 0 ? std::lround(values[i] / step) : 0));
    }
  }
  /// The bytes with their checksum.
  std::vector<std::uint8_t> finish() {
    put(base::crc32(bytes_));
    return std::move(bytes_);
  }

 private:
  std::vector<std::uint8_t> bytes_;
};

/// Whether bytes start with this magic word.
inline bool starts_with(std::span<const std::uint8_t> bytes, const char (&magic)[magic_bytes]) {
  return bytes.size() >= magic_bytes && std::memcmp(bytes.data(), magic, magic_bytes) == 0;
}

/// Reads one value after the other from behind the magic word. The caller compares the length with what the sizes imply
/// before it reads on.
class Reader {
 public:
  /// @throws Error CORRUPT unless the bytes are at least `least` long, start with the magic word and match their
  /// checksum.
  Reader(std::span<const std::uint8_t> bytes, const char (&magic)[magic_bytes], std::size_t least) : bytes_(bytes) {
    require(bytes.size() >= least + crc_bytes, "it is too short");
    require(starts_with(bytes, magic), "it does not start as one");
    std::uint32_t stored;
    std::memcpy(&stored, &bytes[bytes.size() - crc_bytes], sizeof stored);
    require(stored == base::crc32(bytes.first(bytes.size() - crc_bytes)), "its checksum does not match");
  }

  /// Reads the version, 1 to `newest`. @throws Error FORMAT_VERSION for a newer one.
  std::uint32_t get_version(std::uint32_t newest) {
    const auto found = get<std::uint32_t>();
    if (found > newest) {
      throw base::Error("FORMAT_VERSION", "Expected a codebook of at most version " + std::to_string(newest) +
                                              ", but received version " + std::to_string(found) + ".");
    }
    require(found >= 1, "its version is unknown");
    return found;
  }

  template <class T>
  T get() {
    T value;
    std::memcpy(&value, &bytes_[at_], sizeof value);
    at_ += sizeof value;
    return value;
  }
  float get_finite(double limit, const char* what) {
    const float value = get<float>();
    require(std::fabs(value) <= limit, what);
    return value;
  }
  /// The error constant of a code.
  float get_rho() {
    const float rho = get_finite(1, "its error constant is out of range");
    require(rho > 0, "its error constant is out of range");
    return rho;
  }
  float get_power_of_two() {
    const float value = get<float>();
    int exponent = 0;
    require(std::isfinite(value) && std::frexp(value, &exponent) == 0.5f && std::abs(exponent) <= 102,
            "a unit is no power of two");
    return value;
  }
  std::vector<float> get_floats(std::size_t count, double limit, const char* what) {
    std::vector<float> values(count);
    for (float& value : values) value = get_finite(limit, what);
    return values;
  }
  std::vector<float> get_halves(std::size_t count, float unit, const char* what) {
    std::vector<float> values(count);
    for (float& value : values) {
      const auto half = get<std::uint16_t>();
      require(base::half_is_finite(half), what);
      value = base::from_half(half) * unit;
    }
    return values;
  }
  /// What `put_steps` wrote; `steps` are 0 to `limit`. Only bytes that it writes are taken: -127 to 127, and 0 where
  /// the step is 0.
  std::vector<float> get_steps(std::vector<float>& steps, std::size_t columns, double limit, const char* what) {
    for (float& step : steps) {
      step = get_finite(limit, what);
      require(step >= 0, what);
    }
    std::vector<float> values(steps.size() * columns);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto byte = get<std::int8_t>();
      const float step = steps[i / columns];
      require(byte >= -most_steps && (byte == 0 || step > 0), what);
      values[i] = static_cast<float>(byte) * step;
    }
    return values;
  }

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = magic_bytes;
};

}  // namespace embedless::code::saved
