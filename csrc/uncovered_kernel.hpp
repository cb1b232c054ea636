// The part of a box that any number of points leave uncovered: what hypervolume, contributions and
// improvement in many objectives are made of.
//
// The same cells and rules as in word_cells.hpp, in three sizes. A cell with more points than fit
// is cleared of slabs and of points that other points dominate inside it, and is then cut in two at
// the median of the points that limit it, until it fits into the next smaller size:
//   index lists     where the tables of all points would take too much memory
//   sets of points  one bit a point, from tables of their order in each objective
//   words           at most 64 points
// A halving takes half of the points from one part and half of the limits in one objective from
// the other, so the depth of the recursion is O(d log n).
#include "subsets_kernel.hpp"
#include "word_cells_kernel.hpp"
#include "point_sets_kernel.hpp"

namespace lamoo {
namespace LAMOO_LEVEL {

// Computes uncovered volumes. Holds scratch memory, kept between calls: one a thread.
class Uncovered {
 public:
  explicit Uncovered(const Run& run) : run_(run), word_cells_(run) {}

  // Volume of [lo, hi), lo < hi, that points 0 .. end-1 without point skip leave uncovered
  // (skip >= end: none is left out). All these points are below hi in every objective.
  double operator()(const PointSets& points, const double* lo, const double* hi, size_t end,
                    size_t skip);

 private:
  struct Cell {
    std::vector<uint64_t> alive;
    std::vector<uint64_t> limits;  // objective j from word j * words_; dead points may be in
    std::vector<double> lo, hi;
  };
  struct Bounds {
    std::vector<double> lo, hi;
  };

  double in_word(const double* lo, const double* hi, size_t end, size_t skip);
  double in_sets(const double* lo, const double* hi, size_t end, size_t skip);
  double in_lists(const double* lo, const double* hi, size_t end, size_t skip);

  Cell& cell(size_t level);
  double volume(size_t level);
  bool apply_slabs(Cell& cell);
  void drop_dominated(Cell& cell);
  size_t list_alive(const Cell& cell);
  double volume_of_few(const Cell& cell);
  void choose_cut(const Cell& cell, size_t& axis, double& at);

  Bounds& bounds(size_t level);
  double list_volume(size_t* first, size_t* last, size_t level);
  double volume_of_list(const size_t* first, const size_t* last, const Bounds& bounds);

  const Run& run_;
  const PointSets* points_ = nullptr;  // of this call
  WordCells word_cells_;

  size_t words_ = 0;  // of the sets in use, enough for end points
  std::deque<Cell> cells_;
  std::vector<uint64_t> slabs_;
  std::vector<const uint64_t*> rows_;
  std::vector<size_t> survivors_;
  std::vector<double> values_;
  WordTable few_;

  std::deque<Bounds> bounds_;
  std::vector<size_t> list_;
  std::vector<double> gathered_;
  std::unique_ptr<PointSets> local_points_;
  std::unique_ptr<Uncovered> local_;
};

inline double Uncovered::operator()(const PointSets& points, const double* lo, const double* hi,
                             size_t end, size_t skip) {
  points_ = &points;
  if (points_->is_word()) return in_word(lo, hi, end, skip);
  return points_->has_sets() ? in_sets(lo, hi, end, skip) : in_lists(lo, hi, end, skip);
}

inline double Uncovered::in_word(const double* lo, const double* hi, size_t end, size_t skip) {
  uint64_t alive = low_bits(end);
  if (skip < end) alive &= ~(uint64_t{1} << skip);
  return word_cells_.uncovered(points_->word(), alive, lo, hi);
}

// ---- sets ----

inline double Uncovered::in_sets(const double* lo, const double* hi, size_t end, size_t skip) {
  const size_t d = points_->objectives();
  words_ = words_for(end);
  Cell& top = cell(0);
  for (size_t w = 0; w < words_; ++w) top.alive[w] = low_bits(end - w * word_bits);
  if (skip < end) top.alive[skip / word_bits] &= ~(uint64_t{1} << skip % word_bits);
  for (size_t j = 0; j < d; ++j) {
    const uint64_t* not_above = points_->lowest(j, points_->count_up_to(j, lo[j]));
    for (size_t w = 0; w < words_; ++w) top.limits[j * words_ + w] = ~not_above[w];
    top.lo[j] = lo[j];
    top.hi[j] = hi[j];
  }
  return volume(0);
}

inline Uncovered::Cell& Uncovered::cell(size_t level) {
  const size_t d = points_->objectives(), words = words_for(points_->size());
  if (slabs_.size() < words || rows_.size() < d) {
    slabs_.resize(std::max(words, slabs_.size()));
    rows_.resize(std::max(d, rows_.size()));
    cells_.clear();
  }
  while (cells_.size() <= level)
    cells_.push_back({std::vector<uint64_t>(slabs_.size()),
                      std::vector<uint64_t>(rows_.size() * slabs_.size()),
                      std::vector<double>(rows_.size()), std::vector<double>(rows_.size())});
  return cells_[level];
}

inline double Uncovered::volume(size_t level) {
  Cell& here = cell(level);
  double total = 0.0;
  for (;;) {
    run_.check();
    if (!apply_slabs(here)) return total;
    drop_dominated(here);
    if (list_alive(here) <= word_bits) return total + volume_of_few(here);

    size_t axis;
    double at;
    choose_cut(here, axis, at);
    // The part below the cut, where the points at or above it are gone.
    Cell& part = cell(level + 1);
    const uint64_t* below = points_->lowest(axis, 0);
    const uint64_t* up_to = points_->lowest(axis, points_->count_up_to(axis, at));
    for (const size_t p : survivors_)
      if (points_->column(axis)[p] == at) {
        below = points_->lowest(axis, points_->rank(axis, p));
        break;
      }
    for (size_t w = 0; w < words_; ++w) part.alive[w] = here.alive[w] & below[w];
    std::copy_n(here.limits.begin(), points_->objectives() * words_, part.limits.begin());
    std::copy(here.lo.begin(), here.lo.end(), part.lo.begin());
    std::copy(here.hi.begin(), here.hi.end(), part.hi.begin());
    part.hi[axis] = at;
    total += volume(level + 1);
    // The part above it, where the points up to it no longer limit.
    here.lo[axis] = at;
    for (size_t w = 0; w < words_; ++w) here.limits[axis * words_ + w] &= ~up_to[w];
  }
}

// False when the cell is covered.
inline bool Uncovered::apply_slabs(Cell& cell) {
  const size_t d = points_->objectives();
  uint64_t any = 0;
  for (size_t w = 0; w < words_; ++w) {
    const uint64_t alive = cell.alive[w];
    uint64_t once = 0, twice = 0;
    for (size_t j = 0; j < d; ++j) {
      const uint64_t limits = cell.limits[j * words_ + w];
      twice |= once & limits;
      once |= limits;
    }
    if ((alive & ~once) != 0) return false;
    any |= slabs_[w] = alive & ~twice;
  }
  if (any == 0) return true;
  for (size_t j = 0; j < d; ++j) {
    const double* x = points_->column(j);
    size_t lowest = points_->size();
    double at = cell.hi[j];
    for (size_t w = 0; w < words_; ++w) {
      uint64_t set = slabs_[w] & cell.limits[j * words_ + w];
      for (; set != 0; set &= set - 1) {
        const size_t p = w * word_bits + lowest_bit(set);
        if (x[p] < at) {
          at = x[p];
          lowest = p;
        }
      }
    }
    if (lowest == points_->size()) continue;
    cell.hi[j] = at;
    const uint64_t* below = points_->lowest(j, points_->rank(j, lowest));
    for (size_t w = 0; w < words_; ++w) cell.alive[w] &= below[w];
  }
  return true;
}

// Keep the points that no other dominates inside the cell, one of equal ones: those that are below
// each other point somewhere where that point limits the cell.
inline void Uncovered::drop_dominated(Cell& cell) {
  const size_t d = points_->objectives();
  for (size_t w = 0; w < words_; ++w) {
    for (uint64_t left = cell.alive[w]; left != 0;) {
      const unsigned at = lowest_bit(left);
      const size_t p = w * word_bits + at;
      size_t count = 0;
      for (size_t j = 0; j < d; ++j)
        if ((cell.limits[j * words_ + w] >> at & 1) != 0)
          rows_[count++] = points_->lowest(j, points_->rank(j, p));
      for (size_t v = 0; v < words_; ++v) {
        uint64_t below = 0;
        for (size_t i = 0; i < count; ++i) below |= rows_[i][v];
        cell.alive[v] &= below;
      }
      cell.alive[w] |= uint64_t{1} << at;
      left = cell.alive[w] & ~low_bits(at + 1);
    }
  }
}

inline size_t Uncovered::list_alive(const Cell& cell) {
  survivors_.clear();
  for (size_t w = 0; w < words_; ++w)
    for (uint64_t set = cell.alive[w]; set != 0; set &= set - 1)
      survivors_.push_back(w * word_bits + lowest_bit(set));
  return survivors_.size();
}

// At most 64 points, in survivors_: a table of their own, in the objectives that they limit.
inline double Uncovered::volume_of_few(const Cell& cell) {
  const size_t d = points_->objectives(), k = survivors_.size();
  few_.resize(k, d);
  values_.resize(2 * d);
  double factor = 1.0;
  size_t used = 0;
  for (size_t j = 0; j < d; ++j) {
    bool limited = false;
    for (size_t i = 0; i < k; ++i) {
      few_.column(used)[i] = points_->column(j)[survivors_[i]];
      limited |= few_.column(used)[i] > cell.lo[j];
    }
    if (!limited) {
      factor *= cell.hi[j] - cell.lo[j];
      continue;
    }
    values_[used] = cell.lo[j];
    values_[d + used] = cell.hi[j];
    ++used;
  }
  if (used == 0) return factor;
  few_.resize(k, used);
  few_.build_sets();
  return factor * word_cells_.uncovered(few_, low_bits(k), values_.data(), values_.data() + d);
}

// Cut at the median of the points that limit the cell, in the objective where they are most.
inline void Uncovered::choose_cut(const Cell& cell, size_t& axis, double& at) {
  size_t most = 0;
  axis = 0;
  for (size_t j = 0; j < points_->objectives(); ++j) {
    size_t count = 0;
    for (const size_t p : survivors_) count += contains(&cell.limits[j * words_], p) ? 1u : 0u;
    if (count > most) {
      most = count;
      axis = j;
    }
  }
  values_.clear();
  for (const size_t p : survivors_)
    if (contains(&cell.limits[axis * words_], p)) values_.push_back(points_->column(axis)[p]);
  at = median(values_);
}

// ---- lists ----

inline double Uncovered::in_lists(const double* lo, const double* hi, size_t end, size_t skip) {
  const size_t d = points_->objectives();
  list_.resize(end);
  std::iota(list_.begin(), list_.end(), size_t{0});
  if (skip < end) list_.erase(list_.begin() + static_cast<std::ptrdiff_t>(skip));
  Bounds& top = bounds(0);
  std::copy_n(lo, d, top.lo.begin());
  std::copy_n(hi, d, top.hi.begin());
  return list_volume(list_.data(), list_.data() + list_.size(), 0);
}

inline Uncovered::Bounds& Uncovered::bounds(size_t level) {
  const size_t d = points_->objectives();
  if (!bounds_.empty() && bounds_[0].lo.size() < d) bounds_.clear();
  while (bounds_.size() <= level)
    bounds_.push_back({std::vector<double>(d), std::vector<double>(d)});
  return bounds_[level];
}

// Reorders its list: each part of a cut has its points in front.
inline double Uncovered::list_volume(size_t* first, size_t* last, size_t level) {
  const size_t d = points_->objectives();
  Bounds& here = bounds(level);
  double total = 0.0;
  for (;;) {
    run_.check();
    for (const size_t* p = first; p != last; ++p) {
      size_t limits = 0, axis = 0;
      for (size_t j = 0; j < d && limits < 2; ++j)
        if (points_->column(j)[*p] > here.lo[j]) {
          axis = j;
          ++limits;
        }
      if (limits == 0) return total;
      if (limits == 1) here.hi[axis] = std::min(here.hi[axis], points_->column(axis)[*p]);
    }
    for (size_t j = 0; j < d; ++j) {
      const double* x = points_->column(j);
      const double hi = here.hi[j];
      last = std::partition(first, last, [x, hi](size_t p) { return x[p] < hi; });
    }
    if (points_->sets_fit(static_cast<size_t>(last - first)))
      return total + volume_of_list(first, last, here);

    size_t axis = 0, most = 0;
    for (size_t j = 0; j < d; ++j) {
      const double* x = points_->column(j);
      const double lo = here.lo[j];
      const auto count = std::count_if(first, last, [x, lo](size_t p) { return x[p] > lo; });
      if (static_cast<size_t>(count) > most) {
        most = static_cast<size_t>(count);
        axis = j;
      }
    }
    const double* x = points_->column(axis);
    values_.clear();
    for (const size_t* p = first; p != last; ++p)
      if (x[*p] > here.lo[axis]) values_.push_back(x[*p]);
    const double at = median(values_);

    Bounds& part = bounds(level + 1);
    part = here;
    part.hi[axis] = at;
    total += list_volume(
        first, std::partition(first, last, [x, at](size_t p) { return x[p] < at; }), level + 1);
    here.lo[axis] = at;
  }
}

inline double Uncovered::volume_of_list(const size_t* first, const size_t* last, const Bounds& bounds) {
  const size_t d = points_->objectives(), k = static_cast<size_t>(last - first);
  if (!local_) {
    local_points_ = std::make_unique<PointSets>(points_->max_bytes());
    local_ = std::make_unique<Uncovered>(run_);
  }
  gathered_.resize(d * k);
  for (size_t j = 0; j < d; ++j)
    for (size_t i = 0; i < k; ++i) gathered_[j * k + i] = points_->column(j)[first[i]];
  local_points_->assign(gathered_.data(), k, d);
  return (*local_)(*local_points_, bounds.lo.data(), bounds.hi.data(), k, k);
}

// The points are in ascending order of the last objective. Each adds its distance to ref there
// times what the points before it leave uncovered of its box in the other objectives.
double hypervolume_cells(const double* columns, size_t n, size_t m, const double* ref,
                         const Run& run) {
  const size_t d = m - 1;
  PointSets points;
  points.assign(columns, n, d);
  std::vector<double> terms(n);
  parallel_for(n, useful_threads(n, n, d, run), run, [&] {
    return [&, uncovered = Uncovered(run), lo = std::vector<double>(d)](size_t task) mutable {
      const size_t i = n - 1 - task;  // the large cells first: it evens out the load of the threads
      for (size_t j = 0; j < d; ++j) lo[j] = columns[j * n + i];
      terms[i] = (ref[d] - columns[d * n + i]) * uncovered(points, lo.data(), ref, i, n);
    };
  });
  Sum sum;
  for (const double term : terms) sum.add(term);
  return sum.value();
}

// Of each point, what all the others leave uncovered of its box.
void contributions_cells(const double* columns, size_t n, size_t m, const double* ref,
                         const Run& run, double* out) {
  PointSets points;
  points.assign(columns, n, m);
  parallel_for(n, useful_threads(n, n, m, run), run, [&] {
    return [&, uncovered = Uncovered(run), lo = std::vector<double>(m)](size_t i) mutable {
      for (size_t j = 0; j < m; ++j) lo[j] = columns[j * n + i];
      out[i] = uncovered(points, lo.data(), ref, n, i);
    };
  });
}

void improvements_cells(const double* candidates, size_t c, const double* columns, size_t n,
                        size_t m, const double* ref, const Run& run, double* out) {
  PointSets points;
  points.assign(columns, n, m);
  parallel_for(c, useful_threads(c, n, m, run), run, [&] {
    return [&, uncovered = Uncovered(run), lo = std::vector<double>(m)](size_t i) mutable {
      for (size_t j = 0; j < m; ++j) lo[j] = candidates[j * c + i];
      out[i] = uncovered(points, lo.data(), ref, n, n);
    };
  });
}

double uncovered_volume(const double* columns, size_t n, size_t d, const double* lo,
                        const double* hi, size_t end, size_t skip, size_t max_bytes,
                        const Run& run) {
  PointSets points(max_bytes);
  points.assign(columns, n, d);
  return Uncovered(run)(points, lo, hi, end, skip);
}

}  // namespace LAMOO_LEVEL
}  // namespace lamoo
