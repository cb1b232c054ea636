#include "hypervolume.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "dominance.hpp"
#include "parallel.hpp"
#include "uncovered.hpp"

namespace lamoo {

using std::size_t;
using std::uint64_t;

namespace {

// A sum that does not lose digits to its length (Kahan, 1965).
class Sum {
 public:
  void add(double x) {
    const double y = x - lost_;
    const double next = total_ + y;
    lost_ = (next - total_) - y;
    total_ = next;
  }
  double value() const { return total_; }

 private:
  double total_ = 0.0, lost_ = 0.0;
};

bool below(const double* x, const double* ref, size_t m) {
  for (size_t j = 0; j < m; ++j)
    if (!(x[j] < ref[j])) return false;
  return true;
}

// The rows that count, by number.
void rows_below(const double* F, size_t n, size_t m, const double* ref, std::vector<size_t>& rows) {
  rows.clear();
  for (size_t i = 0; i < n; ++i)
    if (below(F + i * m, ref, m)) rows.push_back(i);
}

// Powers of two that bring the range of each objective to about 1, so that products of many widths
// neither overflow nor underflow on the way. They change no digit of any result.
class Scale {
 public:
  Scale(size_t m, const double* ref) : m_(m), ref_(ref), lowest_(ref, ref + m) {}

  void include(const double* x) {
    for (size_t j = 0; j < m_; ++j) lowest_[j] = std::min(lowest_[j], x[j]);
  }

  // After the last include().
  void fix() {
    factors_.resize(2 * m_);
    for (size_t j = 0; j < m_; ++j) {
      int e = 0;
      const double range = ref_[j] - lowest_[j];
      if (std::isfinite(range)) {
        std::frexp(range, &e);
      } else {
        std::frexp(0.5 * ref_[j] - 0.5 * lowest_[j], &e);
        ++e;
      }
      exponent_ += e;
      // Two factors: one alone can be out of range.
      factors_[2 * j] = std::ldexp(1.0, -(e / 2));
      factors_[2 * j + 1] = std::ldexp(1.0, -(e - e / 2));
    }
  }

  double down(double x, size_t j) const { return x * factors_[2 * j] * factors_[2 * j + 1]; }
  double up(double volume) const { return std::ldexp(volume, exponent_); }

  std::vector<double> ref() const {
    std::vector<double> scaled(m_);
    for (size_t j = 0; j < m_; ++j) scaled[j] = down(ref_[j], j);
    return scaled;
  }

 private:
  size_t m_;
  const double* ref_;
  std::vector<double> lowest_;
  std::vector<double> factors_;
  int exponent_ = 0;
};

Scale scale_of(const double* F, const std::vector<size_t>& rows, size_t m, const double* ref) {
  Scale scale(m, ref);
  for (const size_t row : rows) scale.include(F + row * m);
  scale.fix();
  return scale;
}

// Objectives 0 .. d-1 of the rows, by column.
std::vector<double> columns_of(const double* F, const std::vector<size_t>& rows, size_t m, size_t d,
                               const Scale& scale) {
  const size_t n = rows.size();
  std::vector<double> columns(d * n);
  for (size_t i = 0; i < n; ++i)
    for (size_t j = 0; j < d; ++j) columns[j * n + i] = scale.down(F[rows[i] * m + j], j);
  return columns;
}

// ---- one objective ----

// Only the best row covers anything of its own: what is between it and the second best.
void contributions1(const double* F, const std::vector<size_t>& rows, const double* ref,
                    bool ignore_dominated, double* out) {
  size_t best = rows[0];
  for (const size_t row : rows)
    if (F[row] < F[best]) best = row;
  double second = ref[0];
  for (const size_t row : rows)
    if (row != best && (F[row] == F[best] || !ignore_dominated)) second = std::min(second, F[row]);
  out[best] = second - F[best];
}

void improvements1(const double* C, size_t c, const double* F, const std::vector<size_t>& rows,
                   const double* ref, double* out) {
  double best = ref[0];
  for (const size_t row : rows) best = std::min(best, F[row]);
  for (size_t i = 0; i < c; ++i) out[i] = C[i] < best ? best - C[i] : 0.0;
}

// ---- two objectives ----

struct Point2 {
  double x, y;
  size_t row;
};

std::vector<Point2> sorted_points2(const double* F, const std::vector<size_t>& rows,
                                   const Scale& scale) {
  std::vector<Point2> points(rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    const double* f = F + 2 * rows[i];
    points[i] = {scale.down(f[0], 0), scale.down(f[1], 1), rows[i]};
  }
  std::sort(points.begin(), points.end(), [](const Point2& a, const Point2& b) {
    return a.x < b.x || (a.x == b.x && a.y < b.y);
  });
  return points;
}

// Each step of the staircase is one slab, from its point to ref.
double hypervolume2(const std::vector<Point2>& points, const double* ref) {
  Sum area;
  double top = ref[1];
  for (const Point2& p : points) {
    if (p.y >= top) continue;
    area.add((ref[0] - p.x) * (top - p.y));
    top = p.y;
  }
  return area.value();
}

// The points from one front point to the next one to the right, in strips: those in between are
// dominated, and all that can take something of its own corner away from it.
void contributions2(const std::vector<Point2>& points, const double* ref, bool ignore_dominated,
                    const Scale& scale, double* out) {
  double top = ref[1];
  for (size_t i = 0; i < points.size();) {
    const Point2& p = points[i];
    double left = p.x, height = top;
    Sum area;
    for (++i; i < points.size() && points[i].y >= p.y; ++i) {
      const Point2& q = points[i];
      const bool equal = q.x == p.x && q.y == p.y;
      if (q.y >= height || (ignore_dominated && !equal)) continue;
      area.add((q.x - left) * (height - p.y));
      left = q.x;
      height = q.y;
    }
    const double right = i < points.size() ? points[i].x : ref[0];
    area.add((right - left) * (height - p.y));
    out[p.row] = scale.up(area.value());
    top = p.y;
  }
}

// The staircase from the left end of each candidate to the first step below it.
void improvements2(const double* C, size_t c, const std::vector<Point2>& points, const double* ref,
                   const double* scaled_ref, const Scale& scale, double* out) {
  std::vector<Point2> front;
  for (const Point2& p : points)
    if (front.empty() || p.y < front.back().y) front.push_back(p);
  for (size_t i = 0; i < c; ++i) {
    out[i] = 0.0;
    if (!below(C + 2 * i, ref, 2)) continue;
    const double x = scale.down(C[2 * i], 0), y = scale.down(C[2 * i + 1], 1);
    auto step = std::upper_bound(front.begin(), front.end(), x,
                                 [](double value, const Point2& p) { return value < p.x; });
    double left = x, top = step != front.begin() ? (step - 1)->y : scaled_ref[1];
    if (top <= y) continue;
    Sum area;
    for (; step != front.end() && step->y > y; ++step) {
      area.add((step->x - left) * (top - y));
      left = step->x;
      top = step->y;
    }
    area.add(((step != front.end() ? step->x : scaled_ref[0]) - left) * (top - y));
    out[i] = scale.up(area.value());
  }
}

// ---- three objectives ----

// A set of numbers below n that knows its neighbours: a tree of words, 64 to one.
class NeighbourSet {
 public:
  explicit NeighbourSet(size_t n) : end_(n) {
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

  size_t end() const { return end_; }

  // The smallest element above i, or end().
  size_t next(size_t i) const {
    for (size_t level = 0; level < levels_.size(); ++level) {
      const uint64_t rest = levels_[level][i / word_bits] & ~low_bits(i % word_bits + 1);
      i /= word_bits;
      if (rest == 0) continue;
      i = i * word_bits + lowest_bit(rest);
      while (level-- > 0) i = i * word_bits + lowest_bit(levels_[level][i]);
      return i;
    }
    return end_;
  }

  // The largest element below i, or end().
  size_t previous(size_t i) const {
    for (size_t level = 0; level < levels_.size(); ++level) {
      const uint64_t rest = levels_[level][i / word_bits] & low_bits(i % word_bits);
      i /= word_bits;
      if (rest == 0) continue;
      i = i * word_bits + highest_bit(rest);
      while (level-- > 0) i = i * word_bits + highest_bit(levels_[level][i]);
      return i;
    }
    return end_;
  }

 private:
  size_t end_;
  std::vector<std::vector<uint64_t>> levels_;
};

// Sweep in the third objective over the staircase of the first two. Each point adds the area it
// gains there, from its own height to ref.
double hypervolume3(const double* F, const std::vector<size_t>& rows, const double* ref,
                    const Scale& scale) {
  struct Point {
    double x, y, z;
  };
  const size_t n = rows.size();
  std::vector<Point> points(n);
  for (size_t i = 0; i < n; ++i) {
    const double* f = F + 3 * rows[i];
    points[i] = {scale.down(f[0], 0), scale.down(f[1], 1), scale.down(f[2], 2)};
  }
  std::sort(points.begin(), points.end(), [](const Point& a, const Point& b) {
    return a.x < b.x || (a.x == b.x && a.y < b.y);
  });
  struct Level {
    double z;
    size_t point;
  };
  std::vector<Level> sweep(n);
  for (size_t i = 0; i < n; ++i) sweep[i] = {points[i].z, i};
  std::sort(sweep.begin(), sweep.end(), [](const Level& a, const Level& b) { return a.z < b.z; });

  NeighbourSet stairs(n);
  Sum volume;
  for (const Level& level : sweep) {
    const Point& p = points[level.point];
    const size_t before = stairs.previous(level.point);
    double top = before != stairs.end() ? points[before].y : ref[1];
    if (top <= p.y) continue;
    double left = p.x;
    Sum area;
    size_t after = stairs.next(level.point);
    for (; after != stairs.end() && points[after].y >= p.y; after = stairs.next(after)) {
      area.add((points[after].x - left) * (top - p.y));
      left = points[after].x;
      top = points[after].y;
      stairs.erase(after);
    }
    area.add(((after != stairs.end() ? points[after].x : ref[0]) - left) * (top - p.y));
    volume.add((ref[2] - p.z) * area.value());
    stairs.insert(level.point);
  }
  return volume.value();
}

// ---- many objectives ----

// Starting a thread costs as much as some thousand cells of few points.
int useful_threads(size_t cells, size_t points, size_t d, int n_threads) {
  const double work = static_cast<double>(cells) * static_cast<double>(points) *
                      static_cast<double>(d * d);
  return work < 1e5 ? 1 : n_threads;
}

// In ascending order of the last objective, each point adds its distance to ref there times what
// the points before it leave uncovered of its box in the other objectives.
double hypervolume_cells(const double* F, std::vector<size_t>& rows, size_t m, const double* ref,
                         const Scale& scale, int n_threads) {
  const size_t n = rows.size(), d = m - 1;
  std::sort(rows.begin(), rows.end(), [F, m, d](size_t a, size_t b) {
    return F[a * m + d] < F[b * m + d] || (F[a * m + d] == F[b * m + d] && a < b);
  });
  const std::vector<double> columns = columns_of(F, rows, m, m, scale);
  const double* last = columns.data() + d * n;
  PointSets points;
  points.assign(columns.data(), n, d);

  std::vector<double> terms(n);
  parallel_for(n, useful_threads(n, n, d, n_threads), [&] {
    return [&, cell = Uncovered(points), lo = std::vector<double>(d)](size_t task) mutable {
      const size_t i = n - 1 - task;  // the large cells first: it evens out the load of the threads
      for (size_t j = 0; j < d; ++j) lo[j] = columns[j * n + i];
      terms[i] = (ref[d] - last[i]) * cell(lo.data(), ref, i, n);
    };
  });
  Sum sum;
  for (const double term : terms) sum.add(term);
  return sum.value();
}

double hypervolume_of_rows(const double* F, std::vector<size_t>& rows, size_t m, const double* ref,
                           int n_threads) {
  if (rows.empty()) return 0.0;
  if (m == 1) {
    double best = F[rows[0]];
    for (const size_t row : rows) best = std::min(best, F[row]);
    return ref[0] - best;
  }
  const Scale scale = scale_of(F, rows, m, ref);
  const std::vector<double> corner = scale.ref();
  if (m == 2) return scale.up(hypervolume2(sorted_points2(F, rows, scale), corner.data()));
  if (m == 3) return scale.up(hypervolume3(F, rows, corner.data(), scale));
  return scale.up(hypervolume_cells(F, rows, m, corner.data(), scale, n_threads));
}

}  // namespace

double hypervolume(const double* F, size_t n, size_t m, const double* ref, int n_threads) {
  std::vector<size_t> rows;
  rows_below(F, n, m, ref, rows);
  return hypervolume_of_rows(F, rows, m, ref, n_threads);
}

void hypervolume_batch(const double* F, const size_t* start, size_t k, size_t m, const double* ref,
                       int n_threads, double* out) {
  if (k == 0) return;
  const int threads = useful_threads(k, start[k] - start[0], m, n_threads);
  parallel_for(k, threads, [&] {
    return [&, rows = std::vector<size_t>()](size_t s) mutable {
      const double* set = F + start[s] * m;
      rows_below(set, start[s + 1] - start[s], m, ref, rows);
      out[s] = hypervolume_of_rows(set, rows, m, ref, 1);
    };
  });
}

void hv_contributions(const double* F, size_t n, size_t m, const double* ref, bool ignore_dominated,
                      int n_threads, double* out) {
  std::fill_n(out, n, 0.0);
  std::vector<size_t> rows;
  rows_below(F, n, m, ref, rows);
  if (rows.empty()) return;
  if (m == 1) {
    contributions1(F, rows, ref, ignore_dominated, out);
    return;
  }
  if (m != 2 && ignore_dominated) {
    std::vector<double> counted(rows.size() * m);
    for (size_t i = 0; i < rows.size(); ++i) std::copy_n(F + rows[i] * m, m, &counted[i * m]);
    std::vector<std::uint8_t> keep(rows.size());
    is_nondominated(counted.data(), rows.size(), m, true, keep.data());
    size_t kept = 0;
    for (size_t i = 0; i < rows.size(); ++i)
      if (keep[i] != 0) rows[kept++] = rows[i];
    rows.resize(kept);
  }
  const Scale scale = scale_of(F, rows, m, ref);
  const std::vector<double> corner = scale.ref();
  if (m == 2) {
    contributions2(sorted_points2(F, rows, scale), corner.data(), ignore_dominated, scale, out);
    return;
  }
  // What all the others leave uncovered of the box of each point.
  const size_t k = rows.size();
  const std::vector<double> columns = columns_of(F, rows, m, m, scale);
  PointSets points;
  points.assign(columns.data(), k, m);
  parallel_for(k, useful_threads(k, k, m, n_threads), [&] {
    return [&, cell = Uncovered(points), lo = std::vector<double>(m)](size_t i) mutable {
      for (size_t j = 0; j < m; ++j) lo[j] = columns[j * k + i];
      out[rows[i]] = scale.up(cell(lo.data(), corner.data(), k, i));
    };
  });
}

void hv_improvement(const double* C, size_t c, const double* F, size_t n, size_t m,
                    const double* ref, int n_threads, double* out) {
  std::vector<size_t> rows;
  rows_below(F, n, m, ref, rows);
  if (m == 1) {
    improvements1(C, c, F, rows, ref, out);
    return;
  }
  Scale scale(m, ref);
  for (const size_t row : rows) scale.include(F + row * m);
  for (size_t i = 0; i < c; ++i)
    if (below(C + i * m, ref, m)) scale.include(C + i * m);
  scale.fix();
  const std::vector<double> corner = scale.ref();
  if (m == 2) {
    improvements2(C, c, sorted_points2(F, rows, scale), ref, corner.data(), scale, out);
    return;
  }
  const size_t k = rows.size();
  const std::vector<double> columns = columns_of(F, rows, m, m, scale);
  PointSets points;
  points.assign(columns.data(), k, m);
  parallel_for(c, useful_threads(c, k, m, n_threads), [&] {
    return [&, cell = Uncovered(points), lo = std::vector<double>(m)](size_t i) mutable {
      out[i] = 0.0;
      if (!below(C + i * m, ref, m)) return;
      for (size_t j = 0; j < m; ++j) lo[j] = scale.down(C[i * m + j], j);
      out[i] = scale.up(cell(lo.data(), corner.data(), k, k));
    };
  });
}

}  // namespace lamoo
