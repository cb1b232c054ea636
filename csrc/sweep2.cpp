// Sweeps in two objectives, from left to right along a staircase.
#include <algorithm>
#include <type_traits>
#include <vector>

#include "buckets.hpp"
#include "rows_below.hpp"
#include "scale.hpp"
#include "sweep.hpp"

namespace lamoo {

using std::size_t;

namespace {

struct Point2 {
  double x, y;

  double height() const { return y; }
  friend bool operator<(const Point2& a, const Point2& b) {
    return a.x < b.x || (a.x == b.x && a.y < b.y);
  }
};

struct NumberedPoint2 : Point2 {
  size_t index;
};

template <class Point>
Buckets<Point> buckets_of(const RowsBelow<2>& rows, const Scale& scale, bool only_front, const Run& run) {
  const auto get = [&](size_t i) {
    Point point;
    point.x = scale.down(rows[i][0], 0);
    point.y = scale.down(rows[i][1], 1);
    if constexpr (std::is_same_v<Point, NumberedPoint2>) point.index = i;
    return point;
  };
  const double low = scale.down(rows.low()[0], 0), high = scale.down(rows.high()[0], 0);
  return {rows.size(), get, low, high, only_front, run};
}

// 64 steps of a staircase, from one step to the 64th after it: where they end, and the area that is
// below them and above that end.
struct Flight {
  double x, y;  // of the end
  double area;
};
constexpr size_t flight = 64;  // steps

std::vector<Flight> flights_of(const std::vector<Point2>& front) {
  std::vector<Flight> flights;
  for (size_t first = 0; first + flight < front.size(); first += flight) {
    const Point2& last = front[first + flight];
    double area = 0.0;
    for (size_t i = first; i < first + flight; ++i)
      area += (front[i + 1].x - front[i].x) * (front[i].y - last.y);
    flights.push_back({last.x, last.y, area});
  }
  return flights;
}

}  // namespace

// Each step of the staircase is one slab, from its point to ref. A bucket begins at the height
// that the buckets before it leave.
double hypervolume2(const double* F, size_t n, const double* ref, const Run& run) {
  const RowsBelow<2> rows(F, n, ref);
  if (rows.size() == 0) return 0.0;
  const Scale scale = scale_of(ref, rows, rows);
  const double right = scale.down(ref[0], 0), up = scale.down(ref[1], 1);
  Buckets<Point2> buckets = buckets_of<Point2>(rows, scale, true, run);
  constexpr size_t group = Buckets<Point2>::group;
  const size_t groups = (buckets.size() + group - 1) / group;
  std::vector<double> areas(groups);
  parallel_for(groups, buckets.threads(), run, [&] {
    return [&, sorter = LocalSorter<Point2>()](size_t g) mutable {
      Sum area;
      for (size_t b = g * group; b < std::min(buckets.size(), (g + 1) * group); ++b) {
        const auto [first, last] = buckets.sort(b, sorter);
        double top = std::min(up, buckets.top(b)), part = 0.0;
        for (const Point2* p = first; p < last; ++p) {
          if ((p - first) % 256 == 255) {
            area.add(part);
            part = 0.0;
          }
          if (p->y >= top) continue;
          part += (right - p->x) * (top - p->y);
          top = p->y;
        }
        area.add(part);
      }
      areas[g] = area.value();
    };
  });
  Sum area;
  for (const double part : areas) area.add(part);
  return scale.up(area.value());
}

// From one front point to the next one to the right, in strips: the points in between are
// dominated, and no others can take something of the corner that the front point alone dominates.
void contributions2(const double* F, size_t n, const double* ref, bool ignore_dominated,
                    const Run& run, double* out) {
  std::fill_n(out, n, 0.0);
  const RowsBelow<2> rows(F, n, ref);
  if (rows.size() == 0) return;
  const Scale scale = scale_of(ref, rows, rows);
  const double right = scale.down(ref[0], 0);
  const auto points = buckets_of<NumberedPoint2>(rows, scale, ignore_dominated, run).sorted(run);
  double top = scale.down(ref[1], 1);
  for (size_t i = 0; i < points.size();) {
    if (i % 1024 == 0) run.check();
    const NumberedPoint2& p = points[i];
    double left = p.x, height = top;
    Sum area;
    for (++i; i < points.size() && points[i].y >= p.y; ++i) {
      const NumberedPoint2& q = points[i];
      const bool equal = q.x == p.x && q.y == p.y;
      if (q.y >= height || (ignore_dominated && !equal)) continue;
      area.add((q.x - left) * (height - p.y));
      left = q.x;
      height = q.y;
    }
    area.add(((i < points.size() ? points[i].x : right) - left) * (height - p.y));
    out[rows.row(p.index)] = scale.up(area.value());
    top = p.y;
  }
}

// The part above a candidate and below the staircase, in strips from left to right; in whole flights
// where it takes these.
void improvements2(const double* C, size_t c, const double* F, size_t n, const double* ref,
                   const Run& run, double* out) {
  std::fill_n(out, c, 0.0);
  const RowsBelow<2> rows(F, n, ref), candidates(C, c, ref);
  if (candidates.size() == 0) return;
  const Scale scale = scale_of(ref, rows, candidates);
  const double right = scale.down(ref[0], 0), up = scale.down(ref[1], 1);
  std::vector<Point2> front;
  if (rows.size() > 0)
    for (const Point2& p : buckets_of<Point2>(rows, scale, true, run).sorted(run))
      if (front.empty() || p.y < front.back().y) front.push_back(p);
  const std::vector<Flight> flights = flights_of(front);
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (i % 64 == 0) run.check();
    const double x = scale.down(candidates[i][0], 0), y = scale.down(candidates[i][1], 1);
    auto step = std::upper_bound(front.begin(), front.end(), x,
                                 [](double value, const Point2& p) { return value < p.x; });
    double left = x, top = step != front.begin() ? (step - 1)->y : up;
    Sum area;
    while (step != front.end() && step->y > y) {
      // Here top is the height of the step before this one.
      const size_t number = static_cast<size_t>(step - front.begin());
      if (number % flight == 1 && number / flight < flights.size()) {
        const Flight& whole = flights[number / flight];
        if (whole.y > y && left == front[number - 1].x) {
          area.add(whole.area);
          area.add((whole.x - left) * (whole.y - y));
          left = whole.x;
          top = whole.y;
          step += static_cast<std::ptrdiff_t>(flight);
          continue;
        }
      }
      area.add((step->x - left) * (top - y));
      left = step->x;
      top = step->y;
      ++step;
    }
    if (top > y) area.add(((step != front.end() ? step->x : right) - left) * (top - y));
    out[candidates.row(i)] = scale.up(area.value());
  }
}

}  // namespace lamoo
