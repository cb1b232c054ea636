#include "sweep.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "parallel.hpp"
#include "bits.hpp"
#include "uncovered.hpp"

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

struct Point3 {
  double x, y, z;
  size_t index;
};

// Three objectives: the points by x, then y, then z, and the order in which the sweep meets them,
// by z and then as they are here. A dominated or repeated point comes after the one it repeats or
// that dominates it, in both orders.
struct Sweep3 {
  std::vector<Point3> points;
  std::vector<size_t> order;
};

Sweep3 sweep3(const double* columns, size_t n) {
  Sweep3 sweep;
  sweep.points.resize(n);
  for (size_t i = 0; i < n; ++i)
    sweep.points[i] = {columns[i], columns[n + i], columns[2 * n + i], i};
  std::sort(sweep.points.begin(), sweep.points.end(), [](const Point3& a, const Point3& b) {
    if (a.x != b.x) return a.x < b.x;
    return a.y < b.y || (a.y == b.y && a.z < b.z);
  });
  std::vector<std::pair<double, size_t>> levels(n);
  for (size_t i = 0; i < n; ++i) levels[i] = {sweep.points[i].z, i};
  std::sort(levels.begin(), levels.end());
  sweep.order.resize(n);
  for (size_t i = 0; i < n; ++i) sweep.order[i] = levels[i].second;
  return sweep;
}

// A set of numbers below n that knows its neighbours: a tree of words, 64 to one.
class NeighbourSet {
 public:
  explicit NeighbourSet(size_t n) : none_(n) {
    do {
      n = (n + word_bits - 1) / word_bits;
      levels_.emplace_back(n, uint64_t{0});
    } while (n > 1);
  }

  void insert(size_t i) {
    for (auto& words : levels_) {
      words[i / word_bits] |= uint64_t{1} << i % word_bits;
      i /= word_bits;
    }
  }

  void erase(size_t i) {
    for (auto& words : levels_) {
      words[i / word_bits] &= ~(uint64_t{1} << i % word_bits);
      if (words[i / word_bits] != 0) return;
      i /= word_bits;
    }
  }

  size_t none() const { return none_; }

  // The smallest element above i, or none().
  size_t next(size_t i) const {
    for (size_t level = 0; level < levels_.size(); ++level) {
      const uint64_t rest = levels_[level][i / word_bits] & ~low_bits(i % word_bits + 1);
      i /= word_bits;
      if (rest == 0) continue;
      i = i * word_bits + lowest_bit(rest);
      while (level-- > 0) i = i * word_bits + lowest_bit(levels_[level][i]);
      return i;
    }
    return none_;
  }

  // The largest element below i, or none().
  size_t previous(size_t i) const {
    for (size_t level = 0; level < levels_.size(); ++level) {
      const uint64_t rest = levels_[level][i / word_bits] & low_bits(i % word_bits);
      i /= word_bits;
      if (rest == 0) continue;
      i = i * word_bits + highest_bit(rest);
      while (level-- > 0) i = i * word_bits + highest_bit(levels_[level][i]);
      return i;
    }
    return none_;
  }

 private:
  size_t none_;
  std::vector<std::vector<uint64_t>> levels_;
};

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

// A staircase in x and y grows with z. Each point adds the area that it gains there, from its own
// z to ref.
double hypervolume3(const double* columns, size_t n, const double* ref) {
  const Sweep3 sweep = sweep3(columns, n);
  const std::vector<Point3>& points = sweep.points;
  NeighbourSet stairs(n);
  Sum volume;
  for (const size_t i : sweep.order) {
    const Point3& p = points[i];
    const size_t before = stairs.previous(i);
    double left = p.x, top = before != stairs.none() ? points[before].y : ref[1];
    if (top <= p.y) continue;
    Sum area;
    size_t after = stairs.next(i);
    for (; after != stairs.none() && points[after].y >= p.y; after = stairs.next(after)) {
      area.add((points[after].x - left) * (top - p.y));
      left = points[after].x;
      top = points[after].y;
      stairs.erase(after);
    }
    area.add(((after != stairs.none() ? points[after].x : ref[0]) - left) * (top - p.y));
    volume.add((ref[2] - p.z) * area.value());
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
  std::fill_n(out, n, 0.0);
  const Sweep3 sweep = sweep3(columns, n);
  const std::vector<Point3>& points = sweep.points;
  std::vector<std::pair<size_t, size_t>> bounds;  // point, and one that bounds it
  std::vector<size_t> start(n + 1, 0);
  const auto bound = [&](size_t point, size_t by) {
    bounds.emplace_back(point, by);
    ++start[point + 1];
  };

  NeighbourSet stairs(n);
  const size_t none = stairs.none();
  std::vector<char> on_stairs(n, 0);
  for (const size_t i : sweep.order) {
    const Point3& p = points[i];
    const size_t before = stairs.previous(i);
    if (before != none && points[before].y <= p.y) {
      const Point3& q = points[before];
      const bool equal = q.x == p.x && q.y == p.y && q.z == p.z;
      if (ignore_dominated && !equal) continue;
      const size_t other = stairs.previous(before);
      if (other == none || points[other].y > p.y) bound(before, i);
      continue;
    }
    const auto meet = [&](size_t other) {
      bound(i, other);
      bound(other, i);
    };
    if (before != none) meet(before);
    size_t after = stairs.next(i);
    for (; after != none && points[after].y >= p.y; after = stairs.next(after)) {
      meet(after);
      stairs.erase(after);
    }
    if (after != none) meet(after);
    stairs.insert(i);
    on_stairs[i] = 1;
  }

  for (size_t i = 0; i < n; ++i) start[i + 1] += start[i];
  std::vector<size_t> bounding(bounds.size());
  std::vector<size_t> filled(start.begin(), start.end() - 1);
  for (const auto& [point, by] : bounds) bounding[filled[point]++] = by;

  parallel_for(n, n < 500 ? 1 : run.n_threads(), run, [&] {
    return [&, local = std::vector<double>()](size_t i) mutable {
      if (on_stairs[i] == 0) return;
      const size_t k = start[i + 1] - start[i];
      local.resize(3 * k);
      for (size_t b = 0; b < k; ++b) {
        const Point3& q = points[bounding[start[i] + b]];
        local[b] = q.x;
        local[k + b] = q.y;
        local[2 * k + b] = q.z;
      }
      const double lo[] = {points[i].x, points[i].y, points[i].z};
      out[points[i].index] =
          uncovered_volume(local.data(), k, 3, lo, ref, k, k, table_bytes, run);
    };
  });
}

}  // namespace lamoo
