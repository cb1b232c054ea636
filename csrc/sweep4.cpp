#include "sweep4.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "dominance.hpp"
#include "front3.hpp"
#include "parallel.hpp"
#include "sweep.hpp"

namespace lamoo {

using std::size_t;

namespace {

constexpr size_t least_part = 250;  // points that are worth a thread

// The columns in ascending order of the last one.
std::vector<double> by_last(const double* columns, size_t n) {
  std::vector<std::pair<double, size_t>> order(n);
  for (size_t i = 0; i < n; ++i) order[i] = {columns[3 * n + i], i};
  std::sort(order.begin(), order.end());
  std::vector<double> sorted(4 * n);
  for (size_t j = 0; j < 4; ++j)
    for (size_t i = 0; i < n; ++i) sorted[j * n + i] = columns[j * n + order[i].second];
  return sorted;
}

// Of the first k of n points in three objectives, those that no other one dominates or repeats, in
// ascending order of the first.
std::vector<size_t> front_of(const double* columns, size_t n, size_t k) {
  std::vector<double> rows(3 * k);
  for (size_t i = 0; i < k; ++i)
    for (size_t j = 0; j < 3; ++j) rows[3 * i + j] = columns[j * n + i];
  std::vector<std::uint8_t> keep(k);
  is_nondominated(rows.data(), k, 3, false, keep.data());
  std::vector<size_t> front;
  for (size_t i = 0; i < k; ++i)
    if (keep[i] != 0) front.push_back(i);
  std::sort(front.begin(), front.end(), [columns](size_t a, size_t b) {
    return columns[a] < columns[b] || (columns[a] == columns[b] && a < b);
  });
  return front;
}

}  // namespace

double hypervolume4(const double* columns, size_t n, const double* ref, const Run& run) {
  const std::vector<double> sorted = by_last(columns, n);
  std::vector<double> added(n);
  const size_t parts = std::clamp(n / least_part, size_t{1}, static_cast<size_t>(run.n_threads()));
  // The front grows on the way, so that later points cost more: about as the square root.
  const auto start = [&](size_t part) {
    const double share = static_cast<double>(part) / static_cast<double>(parts);
    return static_cast<size_t>(std::pow(share, 2.0 / 3.0) * static_cast<double>(n));
  };
  parallel_for(parts, run.n_threads(), run, [&] {
    return [&](size_t part) {
      const size_t begin = start(part), end = part + 1 < parts ? start(part + 1) : n;
      exclusive_volumes(sorted.data(), n, front_of(sorted.data(), n, begin), begin, end, ref, run,
                        added.data());
    };
  });
  Sum sum;
  for (size_t i = 0; i < n; ++i) sum.add((ref[3] - sorted[3 * n + i]) * added[i]);
  return sum.value();
}

}  // namespace lamoo
