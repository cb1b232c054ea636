// Points in three objectives in the two orders that a sweep needs.
#pragma once

#include <cstddef>
#include <utility>

#include "buckets.hpp"
#include "rows_below.hpp"
#include "scale.hpp"
#include "sorting.hpp"

namespace lamoo {

struct Point3 {
  double x, y, z;
  Index row;  // in the input

  double height() const { return 0.0; }
  friend bool operator<(const Point3& a, const Point3& b) {
    if (a.x != b.x) return a.x < b.x;
    return a.y < b.y || (a.y == b.y && a.z < b.z);
  }
};

struct Turn {
  double x;     // z of a point
  Index point;  // by number in the order of x

  double height() const { return 0.0; }
  friend bool operator<(const Turn& a, const Turn& b) {
    return a.x < b.x || (a.x == b.x && a.point < b.point);
  }
};

// The points by x, then y, then z, and the order in which the sweep meets them, by z and then as
// they are here. A dominated or repeated point comes after the one it repeats or that dominates it,
// in both orders.
struct Sweep3 {
  Sorted<Point3> points;
  Sorted<Turn> turns;
};

inline Sweep3 sweep3(const RowsBelow<3>& rows, const Scale& scale, const Run& run) {
  const std::size_t n = rows.size();
  checked_row_count(n);
  const auto point = [&](std::size_t i) {
    const double* x = rows[i];
    return Point3{scale.down(x[0], 0), scale.down(x[1], 1), scale.down(x[2], 2),
                  static_cast<Index>(i)};
  };
  const auto low = [&](std::size_t j) { return scale.down(rows.low()[j], j); };
  const auto high = [&](std::size_t j) { return scale.down(rows.high()[j], j); };
  Sorted<Point3> points = Buckets<Point3>(n, point, low(0), high(0), false, run).sorted(run);
  const auto turn = [&](std::size_t i) { return Turn{points[i].z, static_cast<Index>(i)}; };
  Sorted<Turn> turns = Buckets<Turn>(n, turn, low(2), high(2), false, run).sorted(run);
  return {std::move(points), std::move(turns)};
}

}  // namespace lamoo
