#include "sweep4.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "buckets.hpp"
#include "dominance.hpp"
#include "front3.hpp"
#include "parallel.hpp"
#include "rows_below.hpp"
#include "scale.hpp"
#include "sweep.hpp"

namespace lamoo {

using std::size_t;

namespace {

constexpr size_t least_part = 1000;     // points that are worth a thread
constexpr size_t parts_of_thread = 2;  // points differ in cost: who is done early takes another part

struct Turn4 {
  double x;  // the last objective of a point
  size_t point;

  double height() const { return 0.0; }
  friend bool operator<(const Turn4& a, const Turn4& b) {
    return a.x < b.x || (a.x == b.x && a.point < b.point);
  }
};

// The points in ascending order of the last objective, in columns of n.
std::vector<double> by_last(const RowsBelow<4>& rows, const Scale& scale, const Run& run) {
  const auto turn = [&](size_t i) { return Turn4{scale.down(rows[i][3], 3), i}; };
  const double low = scale.down(rows.low()[3], 3), high = scale.down(rows.high()[3], 3);
  const size_t n = rows.size();
  const Sorted<Turn4> turns = Buckets<Turn4>(n, turn, low, high, false, run).sorted(run);
  std::vector<double> sorted(4 * n);
  for (size_t i = 0; i < n; ++i) {
    const double* x = rows[turns[i].point];
    for (size_t j = 0; j < 4; ++j) sorted[j * n + i] = scale.down(x[j], j);
  }
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

double hypervolume4(const double* F, size_t all, const double* ref, const Run& run) {
  RowsBelow<4> rows(F, all, ref);
  rows.leave_out_dominated();
  const size_t n = rows.size();
  if (n == 0) return 0.0;
  const Scale scale = scale_of(ref, rows, rows);
  const std::vector<double> sorted = by_last(rows, scale, run), corner = scale.ref();
  std::vector<double> added(n);
  const size_t threads = static_cast<size_t>(run.n_threads());
  const size_t most = threads > 1 ? parts_of_thread * threads : 1;
  const size_t parts = std::clamp(n / least_part, size_t{1}, most);
  parallel_for(parts, run.n_threads(), run, [&] {
    return [&](size_t part) {
      const size_t begin = n * part / parts, end = n * (part + 1) / parts;
      exclusive_volumes(sorted.data(), n, front_of(sorted.data(), n, begin), begin, end,
                        corner.data(), run, added.data());
    };
  });
  Sum sum;
  for (size_t i = 0; i < n; ++i) sum.add((corner[3] - sorted[3 * n + i]) * added[i]);
  return scale.up(sum.value());
}

}  // namespace lamoo
