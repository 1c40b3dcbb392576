#include "fuzz/driver.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iterator>
#include <map>

#include "base/error.h"

/// Of the address sanitizer, whose header not every compiler brings along.
extern "C" std::size_t __sanitizer_get_allocated_size(const volatile void* memory);
extern "C" int __sanitizer_install_malloc_and_free_hooks(void (*allocated)(const volatile void*, std::size_t),
                                                         void (*released)(const volatile void*));

/// Failures of the sanitizers end in SIGABRT, which the driver catches to save the mutant.
extern "C" __attribute__((visibility("default"))) const char* __asan_default_options() {
  return "abort_on_error=1:handle_abort=0:allocator_may_return_null=0:quarantine_size_mb=4:max_allocation_size_mb=256:"
         "detect_stack_use_after_return=1:detect_leaks=0";
}
extern "C" __attribute__((visibility("default"))) const char* __ubsan_default_options() {
  return "abort_on_error=1:print_stacktrace=1";
}

namespace fuzz {
namespace {

struct Options {
  double seconds = 20;
  std::uint64_t seed = 1;
  std::uint64_t runs = 0;
  std::string out = ".";
  std::vector<std::string> files;
};

/// What a signal handler needs: the mutant that runs, as the bytes of its file, and the file's name.
Bytes current;
std::string current_file;

std::atomic<std::size_t> held{0}, most_held{0};

void count_allocation(const volatile void* memory, std::size_t) {
  const std::size_t now = held += __sanitizer_get_allocated_size(memory);
  if (now > most_held) most_held = now;
}
void count_release(const volatile void* memory) { held -= __sanitizer_get_allocated_size(memory); }

/// A mutant as a file: for each part its length as u32, little-endian, and its bytes.
Bytes to_file(const Parts& parts) {
  Bytes bytes;
  for (const auto& part : parts) {
    for (int i = 0; i < 4; ++i) bytes.push_back(static_cast<std::uint8_t>(part.size() >> (8 * i)));
    bytes.insert(bytes.end(), part.begin(), part.end());
  }
  return bytes;
}

Parts from_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const Bytes bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  Parts parts;
  for (std::size_t at = 0; at + 4 <= bytes.size();) {
    std::size_t length = 0;
    for (std::size_t i = 0; i < 4; ++i) length |= static_cast<std::size_t>(bytes[at + i]) << (8 * i);
    at += 4;
    length = std::min(length, bytes.size() - at);
    parts.emplace_back(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                       bytes.begin() + static_cast<std::ptrdiff_t>(at + length));
    at += length;
  }
  return parts;
}

/// Writes the mutant; only calls that a signal handler may make.
void save_mutant() {
  std::FILE* const file = std::fopen(current_file.c_str(), "wb");
  if (file == nullptr) return;
  static_cast<void>(std::fwrite(current.data(), 1, current.size(), file));
  std::fclose(file);
}

[[noreturn]] void fail(const char* why) {
  save_mutant();
  std::fprintf(stderr, "FAILED: %s; the mutant is in %s\n", why, current_file.c_str());
  std::_Exit(1);
}

void on_signal(int number) {
  fail(number == SIGPROF ? "a run took more than a second" : number == SIGALRM ? "a run waits for ever" : "a crash");
}

/// A second of processor time, and of the clock many: other processes must not make a run fail.
void watch(bool on) {
  const itimerval limit{{0, 0}, {on ? 1 : 0, 0}};
  setitimer(ITIMER_PROF, &limit, nullptr);
  alarm(on ? 60 : 0);
}

/// Whether the decoder took the input.
bool one(const Decoder& decoder, const Parts& parts, std::map<std::string, std::uint64_t>& refusals) {
  current = to_file(parts);
  held = most_held = 0;
  const auto check_memory = [&] {
    if (most_held.load() < (std::size_t{1} << 62) && most_held > most_memory(parts)) fail("too much memory");
  };
  watch(true);
  try {
    decoder.run(parts);
    watch(false);
    check_memory();
    return true;
  } catch (const embedless::base::Error& refusal) {
    watch(false);
    check_memory();
    ++refusals[refusal.code];
    return false;
  } catch (const std::exception& other) {
    fail(other.what());
  }
}

Options read_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    const char* const value = i + 1 < argc ? argv[i + 1] : "";
    if (name == "--seconds")
      options.seconds = std::atof(value), ++i;
    else if (name == "--seed")
      options.seed = std::strtoull(value, nullptr, 10), ++i;
    else if (name == "--runs")
      options.runs = std::strtoull(value, nullptr, 10), ++i;
    else if (name == "--out")
      options.out = value, ++i;
    else
      options.files.push_back(name);
  }
  return options;
}

double peak_megabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

}  // namespace

int run(int argc, char** argv, const Decoder& decoder) {
  const Options options = read_options(argc, argv);
  for (const int number : {SIGABRT, SIGPROF, SIGALRM}) signal(number, on_signal);
  std::map<std::string, std::uint64_t> refusals;
  std::uint64_t runs = 0, taken = 0;
  const auto name_run = [&](const std::string& what) {
    current_file = options.out + "/" + decoder.name + "-" + what + ".mutant";
  };
  name_run("seed");
  for (const auto& seed : decoder.seeds) {
    if (!one(decoder, seed, refusals)) fail("a valid input is refused");
  }
  __sanitizer_install_malloc_and_free_hooks(count_allocation, count_release);
  for (const auto& file : options.files) {
    ++runs;
    taken += one(decoder, from_file(file), refusals) ? 1 : 0;
  }
  Mutator mutator(options.seed);
  const auto begin = std::chrono::steady_clock::now();
  const auto passed = [begin] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  const auto goes_on = [&] {
    if (!options.files.empty()) return false;
    return options.runs != 0 ? runs < options.runs : passed() < options.seconds;
  };
  for (; goes_on(); ++runs) {
    name_run(std::to_string(options.seed) + "-" + std::to_string(runs));
    Parts parts = decoder.seeds[mutator.below(decoder.seeds.size())];
    mutator.mutate(parts, decoder.seeds[mutator.below(decoder.seeds.size())]);
    if (decoder.repair && mutator.below(2) == 0) decoder.repair(parts);
    taken += one(decoder, parts, refusals) ? 1 : 0;
  }
  std::string codes;
  for (const auto& [code, count] : refusals) codes += " " + code + " " + std::to_string(count);
  std::printf("%s: seed %llu, %llu executions in %.1f s, %llu accepted, %llu refused (%s ), peak %.0f MB\n",
              decoder.name, static_cast<unsigned long long>(options.seed), static_cast<unsigned long long>(runs),
              passed(), static_cast<unsigned long long>(taken), static_cast<unsigned long long>(runs - taken),
              codes.c_str(), peak_megabytes());
  return 0;
}

}  // namespace fuzz
