// Hypervolume of few points in two to four objectives, without any memory but the stack.
#pragma once

#include <algorithm>
#include <cstddef>

#include "buckets.hpp"
#include "rows_below.hpp"
#include "scale.hpp"

namespace lamoo {

constexpr std::size_t few_points = 24;
constexpr std::size_t few_points_4 = 16;  // in four objectives; above it the sweep is faster

// Steps in ascending order of x and descending order of y.
class FewStairs {
 public:
  void clear() { size_ = 0; }

  // False, and nothing happens, if a step covers the point.
  bool insert(double x, double y) {
    std::size_t first = 0;
    while (first < size_ && steps_[first].x <= x) ++first;
    if (first > 0 && steps_[first - 1].y <= y) return false;
    if (first > 0 && steps_[first - 1].x == x) --first;
    std::size_t last = first;  // from first to here the point covers steps
    while (last < size_ && steps_[last].y >= y) ++last;
    if (last == first)
      std::copy_backward(steps_ + last, steps_ + size_, steps_ + size_ + 1);
    else
      std::copy(steps_ + last, steps_ + size_, steps_ + first + 1);
    steps_[first] = {x, y};
    size_ += first + 1 - last;
    return true;
  }

  // What the steps leave uncovered of [x, right) x [y, up).
  double open(double x, double y, double right, double up) const {
    double left = x, top = up, area = 0.0;
    for (std::size_t i = 0; i < size_; ++i) {
      const double next = std::max(steps_[i].x, x);
      area += (next - left) * (top - y);
      left = next;
      top = std::max(steps_[i].y, y);
    }
    return area + (right - left) * (top - y);
  }

 private:
  struct Step {
    double x, y;
  };
  Step steps_[few_points];
  std::size_t size_ = 0;
};

template <std::size_t m>
struct FewPoint {
  double x[m];

  friend bool operator<(const FewPoint& a, const FewPoint& b) { return a.x[m - 1] < b.x[m - 1]; }
};

// Each point in ascending order of the last objective adds its slice, from there to ref, of what the
// points before it leave uncovered in the other objectives.
inline double few_volume(const FewPoint<2>* points, std::size_t n, const double* ref) {
  double left = ref[0], area = 0.0;
  for (const FewPoint<2>* p = points; p < points + n; ++p) {
    if (p->x[0] >= left) continue;
    area += (left - p->x[0]) * (ref[1] - p->x[1]);
    left = p->x[0];
  }
  return area;
}

inline double few_volume(const FewPoint<3>* points, std::size_t n, const double* ref) {
  FewStairs stairs;
  double volume = 0.0;
  for (const FewPoint<3>* p = points; p < points + n; ++p) {
    const auto [x, y, z] = p->x;
    const double area = stairs.open(x, y, ref[0], ref[1]);
    if (stairs.insert(x, y)) volume += (ref[2] - z) * area;
  }
  return volume;
}

// The uncovered part of three objectives is the sum of its slices between points, along the third.
inline double few_volume(const FewPoint<4>* points, std::size_t n, const double* ref) {
  FewPoint<3> before[few_points];  // in ascending order of the third objective
  std::size_t size = 0;
  double total = 0.0;
  for (const FewPoint<4>* p = points; p < points + n; ++p) {
    const FewPoint<3> now{{p->x[0], p->x[1], p->x[2]}};
    const auto [x, y, z] = now.x;
    FewStairs stairs;
    double from = z, area = (ref[0] - x) * (ref[1] - y), volume = 0.0;
    for (const FewPoint<3>* q = before; q < before + size && area > 0.0; ++q) {
      if (!stairs.insert(std::max(q->x[0], x), std::max(q->x[1], y))) continue;
      const double to = std::max(q->x[2], z);
      volume += (to - from) * area;
      from = to;
      area = stairs.open(x, y, ref[0], ref[1]);
    }
    volume += (ref[2] - from) * area;
    if (volume == 0.0) continue;  // covered
    total += (ref[3] - p->x[3]) * volume;
    before[size++] = now;
    sort_by_insertion(before, before + size);
  }
  return total;
}

// As in hypervolume.hpp; n <= few_points. O(n^(m - 1))
template <std::size_t m>
double hypervolume_of_few(const double* F, std::size_t n, const double* ref) {
  const RowsBelow<m> rows(F, n, ref);
  if (rows.size() == 0) return 0.0;
  const Scale scale = scale_of(ref, rows, rows);
  FewPoint<m> points[few_points];
  double corner[m];
  for (std::size_t j = 0; j < m; ++j) {
    corner[j] = scale.down(ref[j], j);
    for (std::size_t i = 0; i < rows.size(); ++i) points[i].x[j] = scale.down(rows[i][j], j);
  }
  sort_by_insertion(points, points + rows.size());
  return scale.up(few_volume(points, rows.size(), corner));
}

}  // namespace lamoo
