#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "code/crc32.h"
#include "code/error.h"
#include "code/float16.h"

/// How trained codes are written to bytes and read back: little-endian, without gaps, a magic word first and the CRC-32
/// of all before it last, so that damage is told from a newer form.
namespace embedless::code::saved {

static_assert(std::endian::native == std::endian::little, "codes are read and written as they lie in memory");

inline constexpr size_t magic_bytes = 8;
inline constexpr size_t crc_bytes = 4;

[[noreturn]] inline void corrupt(const std::string& what) {
  throw Error("CORRUPT", "The codebook is damaged: " + what + ".");
}

inline void require(bool holds, const char* what) {
  if (!holds) corrupt(what);
}

class Writer {
 public:
  explicit Writer(const char (&magic)[magic_bytes]) { bytes_.assign(magic, magic + magic_bytes); }

  template <class T>
  void put(const T& value) {
    const auto* from = reinterpret_cast<const uint8_t*>(&value);
    bytes_.insert(bytes_.end(), from, from + sizeof value);
  }
  void put_floats(const std::vector<float>& values) {
    for (const float value : values) put(value);
  }
  void put_halves(const std::vector<float>& values, float unit) {
    for (const float value : values) put(to_half(value / unit));
  }
  /// The bytes with their checksum.
  std::vector<uint8_t> finish() {
    put(crc32(bytes_));
    return std::move(bytes_);
  }

 private:
  std::vector<uint8_t> bytes_;
};

/// Whether bytes start with this magic word.
inline bool starts_with(std::span<const uint8_t> bytes, const char (&magic)[magic_bytes]) {
  return bytes.size() >= magic_bytes && std::memcmp(bytes.data(), magic, magic_bytes) == 0;
}

/// Reads one value after the other from behind the magic word. The caller compares the length with what the sizes imply
/// before it reads on.
class Reader {
 public:
  /// @throws Error CORRUPT unless the bytes are at least `least` long, start with the magic word and match their checksum.
  Reader(std::span<const uint8_t> bytes, const char (&magic)[magic_bytes], size_t least) : bytes_(bytes) {
    require(bytes.size() >= least + crc_bytes, "it is too short");
    require(starts_with(bytes, magic), "it does not start as one");
    uint32_t stored;
    std::memcpy(&stored, &bytes[bytes.size() - crc_bytes], sizeof stored);
    require(stored == crc32(bytes.first(bytes.size() - crc_bytes)), "its checksum does not match");
  }

  /// Reads the version. @throws Error FORMAT_VERSION for a newer one.
  void check_version(uint32_t version) {
    const auto found = get<uint32_t>();
    if (found > version) {
      throw Error("FORMAT_VERSION", "Expected a codebook of version " + std::to_string(version) +
                                        ", but received version " + std::to_string(found) + ".");
    }
    require(found == version, "its version is unknown");
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
  std::vector<float> get_floats(size_t count, double limit, const char* what) {
    std::vector<float> values(count);
    for (float& value : values) value = get_finite(limit, what);
    return values;
  }
  std::vector<float> get_halves(size_t count, float unit, const char* what) {
    std::vector<float> values(count);
    for (float& value : values) {
      const auto half = get<uint16_t>();
      require(half_is_finite(half), what);
      value = from_half(half) * unit;
    }
    return values;
  }

 private:
  std::span<const uint8_t> bytes_;
  size_t at_ = magic_bytes;
};

}  // namespace embedless::code::saved
