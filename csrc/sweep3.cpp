// Contributions and improvement in three objectives: points enter a staircase in x and y in the
// order of z.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "buckets.hpp"
#include "front3.hpp"
#include "order3.hpp"
#include "parallel.hpp"
#include "rows_below.hpp"
#include "scale.hpp"
#include "staircase.hpp"
#include "sweep.hpp"

namespace lamoo {

using std::size_t;

namespace {

constexpr size_t block = 256;         // points that a thread takes at a time
constexpr size_t worth_threads = 500;  // points
constexpr size_t check_every = 1024;

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

// For each point, whether another one dominates or repeats it.
std::vector<std::uint8_t> covered_points(const Sweep3& sweep) {
  const Point3* points = sweep.points.begin();
  const size_t n = sweep.points.size();
  std::vector<std::uint8_t> covered(n, 0);
  Stairs stairs(n);
  for (const Turn& turn : sweep.turns) {
    const Index i = turn.point, before = stairs.before(i);
    if (before != stairs.none() && points[before].y <= points[i].y) {
      covered[i] = 1;
      continue;
    }
    stairs.enter(points, before, i, [](Index) {});
  }
  return covered;
}

// The same sweep (after the idea of HVC3D of Guerreiro and Fonseca, 2018): of each point on the
// staircase, what it alone covers there grows with z by its area between its two neighbours. The
// points that take something of this area are its steps: those that it took from the staircase, or
// that it alone hides. The area is added up anew at each change, and never subtracted from.
class OwnVolumes {
 public:
  OwnVolumes(const Point3* points, size_t n, double right, double up)
      : points_(points),
        none_(static_cast<Index>(n)),
        right_(right),
        up_(up),
        corners_(n),
        next_(n),
        left_(n + 1, none_),
        stairs_(n),
        steps_(most_steps * n + 10000) {}

  // False if steps are so many that adding up areas anew would take too long.
  bool sweep(const Sorted<Turn>& turns, double end, bool ignore_dominated, const Run& run) {
    for (size_t turn = 0; turn < turns.size(); ++turn) {
      if (turn % check_every == 0) run.check();
      const Index i = turns[turn].point, before = stairs_.before(i);
      if (before == none_ || points_[before].y > points_[i].y)
        enter(i, before);
      else if (!ignore_dominated || equal(points_[before], points_[i]))
        hide(i, before);
      if (steps_ < 0) return false;
    }
    for (Index i = stairs_.after(none_); i != none_; i = stairs_.after(i)) grow(i, end);
    return true;
  }

  double operator[](size_t i) const { return corners_[i].volume; }

 private:
  struct Corner {
    double area = 0.0, from = 0.0, volume = 0.0;  // area since z = from
    Index step;                                   // the first one, or none
  };
  static constexpr std::ptrdiff_t most_steps = 32;

  static bool equal(const Point3& a, const Point3& b) {
    return a.x == b.x && a.y == b.y && a.z == b.z;
  }

  void enter(Index i, Index before) {
    const Point3& p = points_[i];
    Index* link = &corners_[i].step;
    const Index after = stairs_.enter(points_, before, i, [&](Index taken) {
      grow(taken, p.z);
      *link = taken;
      link = &next_[taken];
    });
    *link = none_;
    left_[i] = before;
    left_[after] = i;
    corners_[i].from = p.z;
    measure(i);
    if (before != none_) renew(before, p.z);
    if (after != none_) renew(after, p.z);
  }

  // i is a new step of a point on the staircase, if no other point there covers it too.
  void hide(Index i, Index by) {
    const Point3& p = points_[i];
    if (left_[by] != none_ && points_[left_[by]].y <= p.y) return;
    Index* link = &corners_[by].step;
    for (; *link != none_ && points_[*link].x < p.x; link = &next_[*link]) {
      if (points_[*link].y <= p.y) return;
      --steps_;
    }
    Index rest = *link;
    if (rest != none_ && points_[rest].x == p.x && points_[rest].y <= p.y) return;
    for (; rest != none_ && points_[rest].y >= p.y; rest = next_[rest]) --steps_;
    *link = i;
    next_[i] = rest;
    renew(by, p.z);
  }

  void grow(Index i, double z) {
    Corner& corner = corners_[i];
    corner.volume += corner.area * (z - corner.from);
    corner.from = z;
  }

  void renew(Index i, double z) {
    grow(i, z);
    measure(i);
  }

  // The area between the neighbours, without the steps. Steps beyond a neighbour are gone for good.
  void measure(Index i) {
    const Point3& p = points_[i];
    const Index before = left_[i], after = stairs_.after(i);
    double left = p.x, top = before != none_ ? points_[before].y : up_, area = 0.0;
    const double right = after != none_ ? points_[after].x : right_;
    Index* link = &corners_[i].step;
    while (*link != none_ && points_[*link].y >= top) *link = next_[*link];
    for (; *link != none_ && points_[*link].x < right; link = &next_[*link]) {
      const Point3& q = points_[*link];
      area += (q.x - left) * (top - p.y);
      left = q.x;
      top = q.y;
      --steps_;
    }
    *link = none_;
    corners_[i].area = area + (right - left) * (top - p.y);
  }

  const Point3* points_;
  Index none_;
  double right_, up_;
  std::vector<Corner> corners_;
  std::vector<Index> next_;  // of a step
  std::vector<Index> left_;  // of a point on the staircase, its neighbour there
  Stairs stairs_;
  std::ptrdiff_t steps_;  // that may still be looked at
};

// The same for any number of steps. While a point is on the staircase, its part lies between its two
// neighbours there, so that another point touches it only as one of those or as a step: these bound
// the part, and what they leave uncovered of the point's box is its volume. O(k log k) for k bounds.
std::vector<double> own_volumes_by_bounds(const Sweep3& sweep, const double* ref,
                                          bool ignore_dominated, const Run& run) {
  const Point3* points = sweep.points.begin();
  const size_t n = sweep.points.size();
  Bounds bounds(n);
  Stairs stairs(n);
  const Index none = stairs.none();
  std::vector<std::uint8_t> on_stairs(n, 0);
  for (size_t turn = 0; turn < n; ++turn) {
    if (turn % check_every == 0) run.check();
    const Index i = sweep.turns[turn].point, before = stairs.before(i);
    const Point3& p = points[i];
    if (before != none && points[before].y <= p.y) {
      const Point3& q = points[before];
      const bool equal = q.x == p.x && q.y == p.y && q.z == p.z;
      if (ignore_dominated && !equal) continue;
      const Index other = stairs.before(before);
      if (other == none || points[other].y > p.y) bounds.add(before, i);
      continue;
    }
    const auto meet = [&](Index other) {
      bounds.add(i, other);
      bounds.add(other, i);
    };
    if (before != none) meet(before);
    const Index after = stairs.enter(points, before, i, meet);
    if (after != none) meet(after);
    on_stairs[i] = 1;
  }
  bounds.group();

  std::vector<double> own(n);
  const size_t blocks = (n + block - 1) / block;
  parallel_for(blocks, n < worth_threads ? 1 : run.n_threads(), run, [&] {
    return [&](size_t b) {
      const size_t begin = b * block, end = std::min(begin + block, n);
      own_volumes(&points->x, sizeof(Point3) / sizeof(double), bounds.start(), bounds.by(), begin,
                  end, ref, own.data() + begin);
      for (size_t i = begin; i < end; ++i)
        if (on_stairs[i] == 0) own[i] = 0.0;
    };
  });
  return own;
}

}  // namespace

void contributions3(const double* F, size_t n, const double* ref, bool ignore_dominated,
                    const Run& run, double* out) {
  std::fill_n(out, n, 0.0);
  RowsBelow<3> rows(F, n, ref);
  if (ignore_dominated) rows.leave_out_dominated();
  if (rows.size() == 0) return;
  const Scale scale = scale_of(ref, rows, rows);
  const Sweep3 sweep = sweep3(rows, scale, run);
  const Point3* points = sweep.points.begin();
  const double corner[] = {scale.down(ref[0], 0), scale.down(ref[1], 1), scale.down(ref[2], 2)};
  const auto give = [&](const auto& own) {
    for (size_t i = 0; i < rows.size(); ++i) out[rows.row(points[i].row)] = scale.up(own[i]);
  };
  OwnVolumes own(points, rows.size(), corner[0], corner[1]);
  if (own.sweep(sweep.turns, corner[2], ignore_dominated, run))
    give(own);
  else
    give(own_volumes_by_bounds(sweep, corner, ignore_dominated, run));
}

// The front is sorted once.
void improvements3(const double* C, size_t c, const double* F, size_t n, const double* ref,
                   const Run& run, double* out) {
  std::fill_n(out, c, 0.0);
  const RowsBelow<3> rows(F, n, ref), candidates(C, c, ref);
  if (candidates.size() == 0) return;
  const Scale scale = scale_of(ref, rows, candidates);
  std::vector<double> front;
  if (rows.size() > 0) {
    const Sweep3 sweep = sweep3(rows, scale, run);
    const Point3* points = sweep.points.begin();
    std::vector<std::uint8_t> covered = covered_points(sweep);
    for (size_t j = 0; j < 3; ++j)
      for (size_t i = 0; i < rows.size(); ++i)
        if (covered[i] == 0) front.push_back((&points[i].x)[j]);
  }
  const size_t k = candidates.size();
  std::vector<double> joining(3 * k), gain(k);
  for (size_t j = 0; j < 3; ++j)
    for (size_t i = 0; i < k; ++i) joining[j * k + i] = scale.down(candidates[i][j], j);
  const double corner[] = {scale.down(ref[0], 0), scale.down(ref[1], 1), scale.down(ref[2], 2)};
  const size_t blocks = (k + block - 1) / block;
  const bool threads = k * (front.size() + 100) > 1000 * worth_threads;
  parallel_for(blocks, threads ? run.n_threads() : 1, run, [&] {
    return [&](size_t b) {
      improvements_over(joining.data(), k, front.data(), front.size() / 3, b * block,
                        std::min((b + 1) * block, k), corner, run, gain.data());
    };
  });
  for (size_t i = 0; i < k; ++i) out[candidates.row(i)] = scale.up(gain[i]);
}

}  // namespace lamoo
