// Sweeps in three objectives: points enter a staircase in x and y in the order of z.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "front3.hpp"
#include "parallel.hpp"
#include "sorting.hpp"
#include "staircase.hpp"
#include "sweep.hpp"

namespace lamoo {

using std::size_t;

namespace {

constexpr size_t block = 256;         // points that a thread takes at a time
constexpr size_t worth_threads = 500;  // points
constexpr size_t check_every = 1024;

// The points by x, then y, then z, and the order in which the sweep meets them, by z and then as
// they are here. A dominated or repeated point comes after the one it repeats or that dominates it,
// in both orders.
struct Sweep3 {
  std::vector<double> x, y, z;
  std::vector<Index> row;    // in the input
  std::vector<Index> order;  // of positions here
};

Sweep3 sweep3(const double* columns, size_t n) {
  check_row_count(n);
  const double *x = columns, *y = columns + n, *z = columns + 2 * n;
  std::vector<Record> records(n);
  for (size_t i = 0; i < n; ++i) records[i] = {order_key(x[i]), 0, static_cast<Index>(i)};
  Sorter sorter;
  sorter.sort(records.data(), records.data() + n);
  for (size_t i = 0; i < n;) {
    const size_t first = i;
    while (++i < n && records[i].key == records[first].key) continue;
    if (i - first > 1)
      std::sort(&records[first], &records[first] + (i - first), [&](const Record& a, const Record& b) {
        if (y[a.row] != y[b.row]) return y[a.row] < y[b.row];
        return z[a.row] < z[b.row] || (z[a.row] == z[b.row] && a.row < b.row);
      });
  }

  Sweep3 sweep;
  for (auto* column : {&sweep.x, &sweep.y, &sweep.z}) column->resize(n);
  sweep.row.resize(n);
  sweep.order.resize(n);
  for (size_t i = 0; i < n; ++i) {
    const size_t row = records[i].row;
    sweep.x[i] = x[row];
    sweep.y[i] = y[row];
    sweep.z[i] = z[row];
    sweep.row[i] = records[i].row;
    records[i] = {order_key(z[row]), 0, static_cast<Index>(i)};
  }
  sorter.sort(records.data(), records.data() + n);
  for (size_t i = 0; i < n; ++i) sweep.order[i] = records[i].row;
  return sweep;
}

// For each point, the points that bound what it alone covers, in ascending order.
class Bounds {
 public:
  explicit Bounds(size_t n) : start_(n + 1, 0) {}

  void add(size_t point, size_t by) {
    pairs_.push_back({static_cast<Index>(point), static_cast<Index>(by)});
    ++start_[point + 1];
  }

  // After the last add(). Two passes of a radix sort, by `by` and then by point.
  void group() {
    const size_t n = start_.size() - 1;
    std::vector<size_t> next(n + 1, 0);
    for (const Pair& pair : pairs_) ++next[pair.by + 1];
    for (size_t i = 0; i < n; ++i) next[i + 1] += next[i];
    std::vector<Pair> ascending(pairs_.size());
    for (const Pair& pair : pairs_) ascending[next[pair.by]++] = pair;
    for (size_t i = 0; i < n; ++i) start_[i + 1] += start_[i];
    std::copy(start_.begin(), start_.end() - 1, next.begin());
    by_.resize(pairs_.size());
    for (const Pair& pair : ascending) by_[next[pair.point]++] = pair.by;
  }

  const size_t* start() const { return start_.data(); }  // point i: by()[start()[i] .. start()[i+1])
  const Index* by() const { return by_.data(); }

 private:
  struct Pair {
    Index point, by;
  };
  std::vector<size_t> start_;
  std::vector<Pair> pairs_;
  std::vector<Index> by_;
};

}  // namespace

// Each point adds the area that the staircase gains, from its own z to ref.
double hypervolume3(const double* columns, size_t n, const double* ref, const Run& run) {
  const Sweep3 sweep = sweep3(columns, n);
  const double *x = sweep.x.data(), *y = sweep.y.data(), *z = sweep.z.data();
  NeighbourSet stairs(n);
  Sum volume;
  for (size_t turn = 0; turn < n; ++turn) {
    if (turn % check_every == 0) run.check();
    const size_t i = sweep.order[turn], before = stairs.previous(i);
    double left = x[i], top = before != n ? y[before] : ref[1];
    const double bottom = y[i];
    if (top <= bottom) continue;
    double area = 0.0;
    size_t after = stairs.next(i);
    for (; after != n && y[after] >= bottom; after = stairs.next(after)) {
      area += (x[after] - left) * (top - bottom);
      left = x[after];
      top = y[after];
      stairs.erase(after);
    }
    area += ((after != n ? x[after] : ref[0]) - left) * (top - bottom);
    volume.add((ref[2] - z[i]) * area);
    stairs.insert(i);
  }
  return volume.value();
}

// The same sweep (after the idea of Guerreiro and Fonseca, 2018) finds the points that bound what
// a point alone covers. While it is on the staircase, this part lies between its two neighbours
// there, so that another point touches it only as one of those, as a step that it or the point
// takes from the staircase, or as a point above that it alone hides from the staircase.
void contributions3(const double* columns, size_t n, const double* ref, bool ignore_dominated,
                    const Run& run, double* out) {
  const Sweep3 sweep = sweep3(columns, n);
  const double *x = sweep.x.data(), *y = sweep.y.data(), *z = sweep.z.data();
  Bounds bounds(n);
  NeighbourSet stairs(n);
  std::vector<std::uint8_t> on_stairs(n, 0);
  for (size_t turn = 0; turn < n; ++turn) {
    if (turn % check_every == 0) run.check();
    const size_t i = sweep.order[turn], before = stairs.previous(i);
    if (before != n && y[before] <= y[i]) {
      const bool equal = x[before] == x[i] && y[before] == y[i] && z[before] == z[i];
      if (ignore_dominated && !equal) continue;
      const size_t other = stairs.previous(before);
      if (other == n || y[other] > y[i]) bounds.add(before, i);
      continue;
    }
    const auto meet = [&](size_t other) {
      bounds.add(i, other);
      bounds.add(other, i);
    };
    if (before != n) meet(before);
    size_t after = stairs.next(i);
    for (; after != n && y[after] >= y[i]; after = stairs.next(after)) {
      meet(after);
      stairs.erase(after);
    }
    if (after != n) meet(after);
    stairs.insert(i);
    on_stairs[i] = 1;
  }
  bounds.group();

  const size_t blocks = (n + block - 1) / block;
  parallel_for(blocks, n < worth_threads ? 1 : run.n_threads(), run, [&] {
    return [&](size_t b) {
      const size_t begin = b * block, end = std::min(begin + block, n);
      double own[block];
      own_volumes(x, y, z, bounds.start(), bounds.by(), begin, end, ref, own);
      for (size_t i = begin; i < end; ++i)
        out[sweep.row[i]] = on_stairs[i] != 0 ? own[i - begin] : 0.0;
    };
  });
}

// The front is sorted once.
void improvements3(const double* candidates, size_t c, const double* columns, size_t n,
                   const double* ref, const Run& run, double* out) {
  const Sweep3 sweep = sweep3(columns, n);
  std::vector<double> front;
  front.reserve(3 * n);
  for (const auto* column : {&sweep.x, &sweep.y, &sweep.z})
    front.insert(front.end(), column->begin(), column->end());
  const size_t blocks = (c + block - 1) / block;
  const bool threads = c * (n + 100) > 100 * worth_threads;
  parallel_for(blocks, threads ? run.n_threads() : 1, run, [&] {
    return [&](size_t b) {
      improvements_over(candidates, c, front.data(), n, b * block, std::min((b + 1) * block, c),
                        ref, run, out);
    };
  });
}

}  // namespace lamoo
