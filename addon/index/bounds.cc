#include "index/bounds.h"

#include <algorithm>
#include <functional>
#include <limits>

namespace embedless::index {

namespace {

double lower(const Entry& entry, double margin) {
  return entry.state == Entry::State::exact ? entry.score : double{entry.estimate} - margin * entry.sigma;
}

double upper(const Entry& entry, double margin) {
  return entry.state == Entry::State::exact ? entry.score : double{entry.estimate} + margin * entry.sigma;
}

/// The n-th highest of the ends of all candidates that are not gone; minus infinity if there are fewer.
template <class End>
double nth_highest(std::span<const Entry> entries, std::size_t n, End end) {
  std::vector<double> ends;
  ends.reserve(entries.size());
  for (const Entry& entry : entries) {
    if (entry.state != Entry::State::gone) ends.push_back(end(entry));
  }
  if (ends.size() < n) return -std::numeric_limits<double>::infinity();
  const auto nth = ends.begin() + static_cast<std::ptrdiff_t>(n - 1);
  std::nth_element(ends.begin(), nth, ends.end(), std::greater<>());
  return *nth;
}

}  // namespace

std::vector<Verdict> judge(std::span<const Entry> entries, std::size_t k, double margin) {
  const double rivals = nth_highest(entries, k + 1, [&](const Entry& entry) { return upper(entry, margin); });
  const double bar = nth_highest(entries, k, [&](const Entry& entry) { return lower(entry, margin); });
  std::vector<Verdict> verdicts;
  verdicts.reserve(entries.size());
  for (const Entry& entry : entries) {
    if (entry.state != Entry::State::open) verdicts.push_back(Verdict::settled);
    else if (lower(entry, margin) > rivals) verdicts.push_back(Verdict::taken);
    else verdicts.push_back(upper(entry, margin) > bar ? Verdict::ambiguous : Verdict::dismissed);
  }
  return verdicts;
}

}  // namespace embedless::index
