// Hypervolume in three objectives: points enter a staircase in x and y in the order of z, and each
// adds the area that the staircase gains, from its own z to ref.
#include <algorithm>
#include <cstddef>
#include <limits>
#include <memory>
#include <vector>

#include "buckets.hpp"
#include "order3.hpp"
#include "parallel.hpp"
#include "rows_below.hpp"
#include "scale.hpp"
#include "staircase.hpp"
#include "sweep.hpp"

namespace lamoo {

using std::size_t;

namespace {

constexpr size_t check_every = 1024;

struct Corner3 {
  double right, up, end;
};

// Points are by x, turns by z; the staircase may hold points from before the first turn.
template <class Point>
double swept(const Point* points, const Turn* first, size_t n_turns, Stairs& stairs,
             const Corner3& corner, const Run& run) {
  const Index none = stairs.none();
  Sum volume;
  for (size_t turn = 0; turn < n_turns; ++turn) {
    if (turn % check_every == 0) run.check();
    const Index i = first[turn].point, before = stairs.before(i);
    const Point& p = points[i];
    double left = p.x, top = before != none ? points[before].y : corner.up, area = 0.0;
    if (top <= p.y) continue;
    const Index after = stairs.enter(points, before, i, [&](Index taken) {
      area += (points[taken].x - left) * (top - p.y);
      left = points[taken].x;
      top = points[taken].y;
    });
    area += ((after != none ? points[after].x : corner.right) - left) * (top - p.y);
    volume.add((corner.end - first[turn].x) * area);
  }
  return volume.value();
}

// ---- many points: slabs between levels of z, each swept on its own ----

constexpr size_t slab_size = 2000, most_slabs = 32;  // points that stay in the cache
constexpr size_t worth_threads = 10000;              // points

// First z, x and y of a point, to sort by z; then x, y and its number in that order, to sort by x.
struct Step {
  double x, y, last;

  double height() const { return 0.0; }
  friend bool operator<(const Step& a, const Step& b) {
    if (a.x != b.x) return a.x < b.x;
    return a.y < b.y || (a.y == b.y && a.last < b.last);
  }
};

using Steps = std::vector<Step>;

// The staircase of steps in ascending order.
Steps staircase_of(const Step* first, const Step* last) {
  Steps stairs;
  double top = std::numeric_limits<double>::infinity();
  for (; first < last; ++first) {
    if (first->y >= top) continue;
    top = first->y;
    stairs.push_back(*first);
  }
  return stairs;
}

// Whether staircases are short: each slab starts from one, so that long ones cost more than slabs
// gain. Points of the staircase of all are on that of any choice of points too.
bool has_short_staircase(const RowsBelow<3>& rows) {
  constexpr size_t looked_at = 512;
  Steps steps;
  for (size_t i = 0; i < rows.size(); i += rows.size() / looked_at)
    steps.push_back({rows[i][0], rows[i][1], 0.0});
  std::sort(steps.begin(), steps.end());
  return 6 * staircase_of(steps.data(), steps.data() + steps.size()).size() < steps.size();
}

// The number of slabs, and with it the last digit of the volume, depends on the points alone and
// not on threads.
double sum_over_slabs(const RowsBelow<3>& rows, const Scale& scale, const Corner3& corner,
                      const Run& run) {
  const size_t n = checked_row_count(rows.size()), slabs = std::min(n / slab_size, most_slabs);
  const int threads = n < worth_threads ? 1 : run.n_threads();
  const auto by_z = [&](size_t i) {
    const double* x = rows[i];
    return Step{scale.down(x[2], 2), scale.down(x[0], 0), scale.down(x[1], 1)};
  };
  const double low = scale.down(rows.low()[2], 2), high = scale.down(rows.high()[2], 2);
  const Sorted<Step> sorted = Buckets<Step>(n, by_z, low, high, false, run).sorted(run);
  Step* const steps = sorted.points.get();
  const std::unique_ptr<double[]> z(new double[n]);
  const auto begin = [&](size_t slab) { return n * slab / slabs; };

  std::vector<Steps> starts(slabs);  // the staircase that a slab starts from
  parallel_for(slabs, threads, run, [&] {
    return [&, sorter = LocalSorter<Step>()](size_t slab) mutable {
      const size_t first = begin(slab), end = begin(slab + 1);
      for (size_t i = first; i < end; ++i) {
        z[i] = steps[i].x;
        steps[i] = {steps[i].y, steps[i].last, static_cast<double>(i)};
      }
      sorter(steps + first, steps + end);
      if (slab + 1 < slabs) starts[slab + 1] = staircase_of(steps + first, steps + end);
    };
  });
  const auto merged = [](const Steps& start, const Step* first, const Step* last) {
    Steps all(start.size() + static_cast<size_t>(last - first));
    std::merge(start.begin(), start.end(), first, last, all.begin());
    return all;
  };
  for (size_t slab = 1; slab < slabs; ++slab) {
    Steps& start = starts[slab];
    const Steps all = merged(starts[slab - 1], start.data(), start.data() + start.size());
    start = staircase_of(all.data(), all.data() + all.size());
  }

  std::vector<double> volumes(slabs);
  parallel_for(slabs, threads, run, [&] {
    return [&](size_t slab) {
      const size_t first = begin(slab), end = begin(slab + 1);
      const Steps points = merged(starts[slab], steps + first, steps + end);
      std::vector<Turn> turns(end - first);
      Stairs stairs(points.size());
      for (Index i = 0, last = stairs.none(); i < stairs.none(); ++i) {
        const size_t turn = static_cast<size_t>(points[i].last);
        if (turn >= first) {
          turns[turn - first] = {z[turn], i};
        } else {
          stairs.insert(last, i, stairs.none());
          last = i;
        }
      }
      volumes[slab] = swept(points.data(), turns.data(), turns.size(), stairs, corner, run);
    };
  });
  Sum volume;
  for (const double part : volumes) volume.add(part);
  return volume.value();
}

}  // namespace

double hypervolume3(const double* F, size_t n, const double* ref, const Run& run) {
  RowsBelow<3> rows(F, n, ref);
  rows.leave_out_dominated();
  if (rows.size() == 0) return 0.0;
  const Scale scale = scale_of(ref, rows, rows);
  const Corner3 corner{scale.down(ref[0], 0), scale.down(ref[1], 1), scale.down(ref[2], 2)};
  if (rows.size() >= 2 * slab_size && has_short_staircase(rows))
    return scale.up(sum_over_slabs(rows, scale, corner, run));
  const Sweep3 sweep = sweep3(rows, scale, run);
  Stairs stairs(rows.size());
  return scale.up(
      swept(sweep.points.begin(), sweep.turns.begin(), rows.size(), stairs, corner, run));
}

}  // namespace lamoo
