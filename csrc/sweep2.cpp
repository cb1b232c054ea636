#include "sweep.hpp"

#include <algorithm>
#include <vector>


namespace lamoo {

using std::size_t;
using std::uint64_t;

namespace {

struct Point2 {
  double x, y;
  size_t index;
};

std::vector<Point2> by_x(const double* columns, size_t n) {
  std::vector<Point2> points(n);
  for (size_t i = 0; i < n; ++i) points[i] = {columns[i], columns[n + i], i};
  std::sort(points.begin(), points.end(), [](const Point2& a, const Point2& b) {
    return a.x < b.x || (a.x == b.x && a.y < b.y);
  });
  return points;
}

}  // namespace

// Each step of the staircase is one slab, from its point to ref.
double hypervolume2(const double* columns, size_t n, const double* ref) {
  Sum area;
  double top = ref[1];
  for (const Point2& p : by_x(columns, n)) {
    if (p.y >= top) continue;
    area.add((ref[0] - p.x) * (top - p.y));
    top = p.y;
  }
  return area.value();
}

// From one front point to the next one to the right, in strips: the points in between are
// dominated, and no others can take something of the corner that the front point alone dominates.
void contributions2(const double* columns, size_t n, const double* ref, bool ignore_dominated,
                    double* out) {
  std::fill_n(out, n, 0.0);
  const std::vector<Point2> points = by_x(columns, n);
  double top = ref[1];
  for (size_t i = 0; i < n;) {
    const Point2& p = points[i];
    double left = p.x, height = top;
    Sum area;
    for (++i; i < n && points[i].y >= p.y; ++i) {
      const Point2& q = points[i];
      const bool equal = q.x == p.x && q.y == p.y;
      if (q.y >= height || (ignore_dominated && !equal)) continue;
      area.add((q.x - left) * (height - p.y));
      left = q.x;
      height = q.y;
    }
    area.add(((i < n ? points[i].x : ref[0]) - left) * (height - p.y));
    out[p.index] = area.value();
    top = p.y;
  }
}

// The part above a candidate and below the staircase, in strips from left to right.
void improvements2(const double* candidates, size_t c, const double* columns, size_t n,
                   const double* ref, double* out) {
  std::vector<Point2> front;
  for (const Point2& p : by_x(columns, n))
    if (front.empty() || p.y < front.back().y) front.push_back(p);
  for (size_t i = 0; i < c; ++i) {
    const double x = candidates[i], y = candidates[c + i];
    auto step = std::upper_bound(front.begin(), front.end(), x,
                                 [](double value, const Point2& p) { return value < p.x; });
    double left = x, top = step != front.begin() ? (step - 1)->y : ref[1];
    Sum area;
    for (; step != front.end() && step->y > y; ++step) {
      area.add((step->x - left) * (top - y));
      left = step->x;
      top = step->y;
    }
    if (top > y) area.add(((step != front.end() ? step->x : ref[0]) - left) * (top - y));
    out[i] = area.value();
  }
}

}  // namespace lamoo
