// The part of a box that any number of points leave uncovered: what hypervolume, contributions and
// improvement in many objectives are made of. (A part of volumes_kernel.hpp.)
//
// The same cells and rules as in small_cells_kernel.hpp, for more points than have room there. A
// cell is cleared of slabs and of points that other points dominate inside it; if there are still
// too many, it is cut in two at the median of the points that limit it.
//   index lists     where the tables of all points would take too much memory
//   sets of points  one bit a point, from tables of their order in each objective
//   small cells     at most 256 points
// A halving takes half of the points from one part and half of the limits in one objective from
// the other, so the depth of the recursion is O(d log n).

namespace lamoo {
namespace LAMOO_LEVEL {

// The middle value; values is not empty and is reordered.
inline double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Computes uncovered volumes. Holds scratch memory, kept between calls: one a thread.
class Uncovered {
 public:
  explicit Uncovered(Budget& budget) : work_(budget), word_cells_(work_), four_cells_(work_) {}

  static constexpr size_t none = ~size_t{0};

  // Volume of [lo, hi), lo < hi, that points 0 .. end-1 without point skip leave uncovered
  // (skip >= end: none is left out). All these points are below hi in every objective. If lo is
  // one of the points, at says which one; it is found faster then.
  // Once it is sure that the volume is more than enough, some other number above enough will do.
  double operator()(const PointSets& points, const double* lo, const double* hi, size_t end,
                    size_t skip, size_t at = none,
                    double enough = std::numeric_limits<double>::infinity()) {
    points_ = &points;
    enough_ = enough;
    const double volume = points_->is_word()    ? in_word(lo, hi, end, skip, at)
                          : points_->has_sets() ? in_sets(lo, hi, end, skip, at)
                                                : in_lists(lo, hi, end, skip);
    work_.end_cell();
    return volume;
  }

 private:
  struct Cell {
    std::vector<uint64_t> alive;
    std::vector<uint64_t> limits;  // objective j from word j * words_; dead points may be in
    std::vector<double> lo, hi;
  };
  struct Bounds {
    std::vector<double> lo, hi;
  };

  double in_word(const double* lo, const double* hi, size_t end, size_t skip, size_t at);
  double in_sets(const double* lo, const double* hi, size_t end, size_t skip, size_t at);
  double in_lists(const double* lo, const double* hi, size_t end, size_t skip);

  Cell& cell(size_t level);
  double volume(size_t level);
  bool apply_slabs(Cell& cell);
  void drop_dominated(Cell& cell);
  void list_alive(const Cell& cell);
  bool slices(const Cell& cell, double& volume);
  template <size_t W>
  double volume_of_few(const Cell& cell, Table<W>& table, Cells<W>& cells);
  void choose_cut(const Cell& cell, size_t& axis, size_t& at);

  Bounds& bounds(size_t level);
  double list_volume(size_t* first, size_t* last, size_t level);
  double volume_of_list(const size_t* first, const size_t* last, const Bounds& bounds);

  Work work_;
  const PointSets* points_ = nullptr;  // of this call
  double enough_ = 0.0;
  Cells<1> word_cells_;
  Cells<4> four_cells_;
  Table<1> word_table_;
  Table<4> four_table_;
  Gather gather_;
  Slices slices_;

  size_t words_ = 0;  // of the sets in use, enough for end points
  std::vector<std::unique_ptr<Cell>> cells_;  // a deque takes memory even when it is empty
  std::vector<uint64_t> slabs_;
  std::vector<uint64_t> ranks_;
  std::vector<const uint64_t*> rows_;
  std::vector<uint32_t> survivors_;
  std::vector<uint32_t> limiting_;
  std::vector<double> values_;

  std::vector<std::unique_ptr<Bounds>> bounds_;
  std::vector<size_t> list_;
  std::vector<double> gathered_;
  std::unique_ptr<PointSets> local_points_;
  std::unique_ptr<Uncovered> local_;
};

inline double Uncovered::in_word(const double* lo, const double* hi, size_t end, size_t skip,
                                 size_t at) {
  const size_t d = points_->objectives();
  const Table<1>& table = points_->word();
  Set<1> alive = first_points<1>(end);
  if (skip < end) erase(alive, skip);
  word_cells_.begin(table, d);
  for (size_t j = 0; j < d; ++j) {
    Set<1> limits{};
    if (at != none)
      limits = alive.without(table.up_to(j)[at]);
    else
      for (size_t p = 0; p < end; p += 8)
        limits.words[0] |= uint64_t{above8(table.column(j) + p, lo[j])} << p;
    word_cells_.add_side(j, limits, lo[j], hi[j]);
  }
  return word_cells_.volume(alive, enough_);
}

// ---- sets ----

inline double Uncovered::in_sets(const double* lo, const double* hi, size_t end, size_t skip,
                                 size_t at) {
  const size_t d = points_->objectives();
  words_ = words_for(end);
  Cell& top = cell(0);
  for (size_t w = 0; w < words_; ++w)
    top.alive[w] = end <= w * word_bits ? 0 : low_bits(end - w * word_bits);
  if (skip < end) top.alive[skip / word_bits] &= ~bit(skip % word_bits);
  for (size_t j = 0; j < d; ++j) {
    const uint64_t* not_above = at != none ? points_->up_to(j, at) : points_->up_to(j, lo[j]);
    for (size_t w = 0; w < words_; ++w) top.limits[j * words_ + w] = ~not_above[w];
    top.lo[j] = lo[j];
    top.hi[j] = hi[j];
  }
  return volume(0);
}

inline Uncovered::Cell& Uncovered::cell(size_t level) {
  const size_t d = points_->objectives(), words = points_->words();
  if (slabs_.size() < words || rows_.size() < d) {
    slabs_.resize(std::max(words, slabs_.size()));
    ranks_.resize(slabs_.size());
    rows_.resize(std::max(d, rows_.size()));
    cells_.clear();
  }
  while (cells_.size() <= level)
    cells_.push_back(std::make_unique<Cell>(
        Cell{std::vector<uint64_t>(slabs_.size()),
             std::vector<uint64_t>(rows_.size() * slabs_.size()),
             std::vector<double>(rows_.size()), std::vector<double>(rows_.size())}));
  return *cells_[level];
}

inline double Uncovered::volume(size_t level) {
  Cell& here = cell(level);
  double total = 0.0;
  for (;;) {
    if (!apply_slabs(here)) return total;
    drop_dominated(here);
    list_alive(here);
    work_.spend(1 + words_ * points_->objectives() * (1 + survivors_.size() / 4));
    if (double open; slices(here, open)) return total + open;
    if (survivors_.size() <= Table<1>::capacity)
      return total + volume_of_few(here, word_table_, word_cells_);
    if (survivors_.size() <= Table<4>::capacity)
      return total + volume_of_few(here, four_table_, four_cells_);

    size_t axis, middle;
    choose_cut(here, axis, middle);
    const double at = points_->column(axis)[middle];
    // The part below the cut, where the points at or above it are gone.
    Cell& part = cell(level + 1);
    const uint64_t* below = points_->below(axis, middle);
    const uint64_t* up_to = points_->up_to(axis, middle);
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
  Four any{};
  for (size_t w = 0; w < words_; w += 4) {
    const Four alive = Four::load(&cell.alive[w]);
    Four once{}, twice{};
    for (size_t j = 0; j < d; ++j) {
      const Four limits = Four::load(&cell.limits[j * words_ + w]);
      twice = twice | (once & limits);
      once = once | limits;
    }
    if (alive.without(once).any()) return false;
    const Four slabs = alive.without(twice);
    slabs.store(&slabs_[w]);
    any = any | slabs;
  }
  if (!any.any()) return true;
  for (size_t j = 0; j < d; ++j) {
    const uint32_t* rank = points_->rank(j);
    size_t lowest = points_->size();
    for (size_t w = 0; w < words_; ++w)
      for (uint64_t set = slabs_[w] & cell.limits[j * words_ + w]; set != 0; set &= set - 1)
        lowest = std::min<size_t>(lowest, rank[w * word_bits + lowest_bit(set)]);
    if (lowest == points_->size()) continue;
    const size_t p = points_->order(j)[lowest];
    cell.hi[j] = points_->column(j)[p];
    const uint64_t* below = points_->below(j, p);
    for (size_t w = 0; w < words_; ++w) cell.alive[w] &= below[w];
  }
  return true;
}

// Takes from a set what is in none of K rows.
template <size_t K>
inline void keep_united(uint64_t* set, const uint64_t* const* rows, size_t words) {
  for (size_t w = 0; w < words; w += 4) {
    Four kept = Four::load(rows[0] + w);
    for (size_t i = 1; i < K; ++i) kept = kept | Four::load(rows[i] + w);
    (kept & Four::load(set + w)).store(set + w);
  }
}

// Keep the points that no other dominates inside the cell, one of equal ones: those that are below
// each other point somewhere where that point limits the cell. From the last point to the first:
// points are mostly in ascending order of an objective that the cell does not have, so the last
// ones dominate most.
inline void Uncovered::drop_dominated(Cell& cell) {
  const PointSets& points = *points_;
  const size_t d = points.objectives(), words = words_;
  uint64_t* const alive = cell.alive.data();
  const uint64_t* const limits = cell.limits.data();
  const uint64_t** const rows = rows_.data();
  for (size_t w = words; w-- > 0;) {
    for (uint64_t left = alive[w]; left != 0;) {
      const unsigned at = highest_bit(left);
      const size_t p = w * word_bits + at;
      size_t count = 0;
      for (size_t j = 0; j < d; ++j) {
        rows[count] = points.below(j, p);
        count += limits[j * words + w] >> at & 1;
      }
      switch (count) {
        case 2: keep_united<2>(alive, rows, words); break;
        case 3: keep_united<3>(alive, rows, words); break;
        case 4: keep_united<4>(alive, rows, words); break;
        default:
          for (size_t v = 0; v < words; v += 4) {
            Four kept{};
            for (size_t i = 0; i < count; ++i) kept = kept | Four::load(rows[i] + v);
            (kept & Four::load(alive + v)).store(alive + v);
          }
      }
      alive[w] |= bit(at);
      left = alive[w] & low_bits(at);
    }
  }
}

inline void Uncovered::list_alive(const Cell& cell) {
  survivors_.clear();
  for (size_t w = 0; w < words_; ++w)
    for (uint64_t set = cell.alive[w]; set != 0; set &= set - 1)
      survivors_.push_back(static_cast<uint32_t>(w * word_bits + lowest_bit(set)));
}

// The points in survivors_ without a table of their own, or false.
inline bool Uncovered::slices(const Cell& cell, double& volume) {
  const size_t k = survivors_.size();
  if (k == 0 || k > word_bits) return false;
  Axis axes[Slices::most_objectives];
  size_t used = 0;
  double factor = 1.0;
  for (size_t j = 0; j < points_->objectives(); ++j) {
    const double* x = points_->column(j);
    const double lo = cell.lo[j], hi = cell.hi[j];
    size_t limits = 0;
    for (const uint32_t p : survivors_) limits += x[p] > lo ? 1 : 0;
    if (limits == 0) {
      factor *= hi - lo;
      continue;
    }
    if (used == Slices::most_objectives) return false;
    axes[used++] = {j, limits, lo, hi};
  }
  if (!Slices::suits(k, axes, used)) return false;
  volume = factor * slices_.volume(SomePoints{*points_, survivors_, ranks_.data()}, axes, used);
  return true;
}

// The points in survivors_ get a table of their own, in the objectives that they limit.
template <size_t W>
double Uncovered::volume_of_few(const Cell& cell, Table<W>& table, Cells<W>& cells) {
  const size_t d = points_->objectives();
  gather_.begin(*points_, survivors_, d, table);
  cells.begin(table, d);
  double factor = 1.0;
  for (size_t j = 0, used = 0; j < d; ++j) {
    Four limited{};
    for (size_t w = 0; w < words_; w += 4)
      limited = limited | (Four::load(&cell.alive[w]) & Four::load(&cell.limits[j * words_ + w]));
    if (!limited.any()) {
      factor *= cell.hi[j] - cell.lo[j];
      continue;
    }
    const Set<W> limits = gather_.objective(*points_, survivors_, j, cell.lo[j], table, used);
    cells.add_side(used++, limits, cell.lo[j], cell.hi[j]);
  }
  return factor * cells.volume(first_points<W>(survivors_.size()), rest_of(enough_, 0.0, factor));
}

// Cut at the median of the points that limit the cell, in the objective where they are most.
inline void Uncovered::choose_cut(const Cell& cell, size_t& axis, size_t& at) {
  size_t most = 0;
  axis = 0;
  for (size_t j = 0; j < points_->objectives(); ++j) {
    size_t count = 0;
    for (size_t w = 0; w < words_; ++w)
      count += count_bits(cell.limits[j * words_ + w] & cell.alive[w]);
    if (count > most) {
      most = count;
      axis = j;
    }
  }
  limiting_.clear();
  for (size_t w = 0; w < words_; ++w)
    for (uint64_t set = cell.limits[axis * words_ + w] & cell.alive[w]; set != 0; set &= set - 1)
      limiting_.push_back(points_->rank(axis)[w * word_bits + lowest_bit(set)]);
  const auto middle = limiting_.begin() + static_cast<std::ptrdiff_t>(limiting_.size() / 2);
  std::nth_element(limiting_.begin(), middle, limiting_.end());
  at = points_->order(axis)[*middle];
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
  if (!bounds_.empty() && bounds_[0]->lo.size() < d) bounds_.clear();
  while (bounds_.size() <= level)
    bounds_.push_back(
        std::make_unique<Bounds>(Bounds{std::vector<double>(d), std::vector<double>(d)}));
  return *bounds_[level];
}

// Reorders its list: each part of a cut has its points in front.
inline double Uncovered::list_volume(size_t* first, size_t* last, size_t level) {
  const size_t d = points_->objectives();
  Bounds& here = bounds(level);
  double total = 0.0;
  for (;;) {
    work_.spend(1 + static_cast<size_t>(last - first) * d / word_bits);
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
    local_ = std::make_unique<Uncovered>(work_.budget());
  }
  gathered_.resize(d * k);
  for (size_t j = 0; j < d; ++j)
    for (size_t i = 0; i < k; ++i) gathered_[j * k + i] = points_->column(j)[first[i]];
  local_points_->assign(gathered_.data(), k, d);
  return (*local_)(*local_points_, bounds.lo.data(), bounds.hi.data(), k, k);
}

}  // namespace LAMOO_LEVEL
}  // namespace lamoo
