// The part of a box that at most 64 points leave uncovered: the innermost level of the exact
// hypervolume. Sets of points are single 64-bit words. (A part of uncovered_kernel.hpp.)
//
// A cell is a box [lo, hi) and a set of alive points. A point p covers [p, infinity). It *limits*
// the cell in the objectives where it is above lo; below hi it is in all of them, or it would not
// be alive. Three rules, of which only the last one branches:
//   covered  a point that limits the cell nowhere covers it all: the volume is 0
//   slab     a point that limits it in one objective only lowers hi there, and is gone together
//            with all points that are not below the new hi
//   cut      else one point splits what it leaves uncovered into disjoint cells, one for each
//            objective that it limits; the point is gone from all of them
// and tables of all subsets end the recursion where few points are left.
// All volumes are sums of products of differences of two coordinates: nothing ever cancels.

namespace lamoo {
namespace LAMOO_LEVEL {

// k <= 64 points in d objectives, with the order of the points in each objective as sets.
class WordTable {
 public:
  // Room for k points; fill the columns, then call build_sets().
  void resize(size_t k, size_t d) {
    size_ = k;
    objectives_ = d;
    if (x_.size() >= d * word_bits) return;
    x_.resize(d * word_bits);
    below_.resize(d * word_bits);
    above_.resize(d * word_bits);
  }

  void build_sets() {
    const size_t eights = (size_ + 7) / 8;
    for (size_t j = 0; j < objectives_; ++j) {
      const double* x = column(j);
      uint64_t* below = below_.data() + j * word_bits;
      uint64_t* above = above_.data() + j * word_bits;
      std::fill_n(above, size_, 0);
      for (size_t p = 0; p < size_; ++p) {
        uint64_t set = 0;
        for (size_t e = 0; e < eights; ++e) set |= uint64_t{below8(x + 8 * e, x[p])} << 8 * e;
        below[p] = set & low_bits(size_);
        for (set = below[p]; set != 0; set &= set - 1) above[lowest_bit(set)] |= bit(p);
      }
    }
  }

  size_t size() const { return size_; }
  size_t objectives() const { return objectives_; }

  double* column(size_t j) { return x_.data() + j * word_bits; }
  const double* column(size_t j) const { return x_.data() + j * word_bits; }
  // below(j)[p], above(j)[p]: the points strictly below, above point p in objective j.
  const uint64_t* below(size_t j) const { return below_.data() + j * word_bits; }
  const uint64_t* above(size_t j) const { return above_.data() + j * word_bits; }

 private:
  size_t size_ = 0;
  size_t objectives_ = 0;
  std::vector<double> x_;
  std::vector<uint64_t> below_, above_;
};

// The scratch memory of the recursion; one a thread, used for many cells.
class WordCells {
 public:
  explicit WordCells(const Run& run) : run_(run) {}

  // Volume of [lo, hi) that the points of table in alive leave uncovered; lo < hi. Every alive
  // point is below hi in all objectives.
  double uncovered(const WordTable& table, uint64_t alive, const double* lo, const double* hi);

 private:
  // A cell in one objective. Objectives that no alive point limits any more are not kept.
  struct Side {
    size_t objective;
    uint64_t limits;  // the points that limit the cell here; of dead ones it says nothing
    double lo, hi;
    double inverse;  // 1 / (hi - lo)

    void set(double new_lo, double new_hi) {
      lo = new_lo;
      hi = new_hi;
      inverse = 1.0 / (hi - lo);
    }
  };

  // One of the cells that a cut makes: the side it is cut at, and the share below the pivot.
  struct Part {
    size_t side;
    double share;
  };

  double volume(Side* sides, size_t d, uint64_t alive);
  void apply_slabs(Side* sides, size_t d, uint64_t& alive, uint64_t slabs) const;
  double volume_one(const Side* sides, size_t d, uint64_t alive) const;
  double volume_two(const Side* sides, size_t d, uint64_t alive) const;
  double volume_subsets(const Side* sides, size_t d, size_t count);
  double volume_plane(const Side* sides, uint64_t alive) const;
  uint64_t fewest_limits(const Side* sides, size_t d, uint64_t alive) const;
  unsigned choose_pivot(const Side* sides, size_t d, uint64_t candidates) const;
  const double* column(const Side& side) const { return table_->column(side.objective); }
  const uint64_t* below(const Side& side) const { return table_->below(side.objective); }
  const uint64_t* above(const Side& side) const { return table_->above(side.objective); }

  static constexpr size_t max_subset_points = 8;
  static constexpr size_t always_subset_points = 6;

  const Run& run_;
  const WordTable* table_ = nullptr;
  size_t cuts_ = 0;
  size_t stride_ = 0;        // sides a level
  std::vector<Side> sides_;  // each cut takes one point away, so that 65 levels are enough
  std::vector<Part> parts_;  // as many a level as sides
  std::vector<double> open_;
  std::vector<size_t> order_;
  std::vector<uint64_t> later_;
};

// The point of a non-empty set that is lowest in a column.
inline unsigned lowest_point(uint64_t set, const double* x) {
  unsigned best = lowest_bit(set);
  for (set &= set - 1; set != 0; set &= set - 1) {
    const unsigned p = lowest_bit(set);
    if (x[p] < x[best]) best = p;
  }
  return best;
}

inline double WordCells::uncovered(const WordTable& table, uint64_t alive, const double* lo,
                                   const double* hi) {
  stride_ = table.objectives();
  if (order_.size() < stride_) {
    sides_.resize(stride_ * (word_bits + 1));
    parts_.resize(stride_ * (word_bits + 1));
    order_.resize(stride_);
    later_.resize(stride_ + 1);
  }
  table_ = &table;
  for (size_t j = 0; j < stride_; ++j) {
    const double* x = table.column(j);
    uint64_t limits = 0;
    for (size_t p = 0; p < table.size(); ++p) limits |= uint64_t{x[p] > lo[j]} << p;
    sides_[j].objective = j;
    sides_[j].limits = limits;
    sides_[j].set(lo[j], hi[j]);
  }
  return volume(sides_.data(), stride_, alive);
}

inline double WordCells::volume(Side* sides, size_t d, uint64_t alive) {
  double total = 0.0, factor = 1.0;
  for (;;) {
    // The points that limit the cell in at least one, two, three objectives.
    uint64_t once = 0, twice = 0, thrice = 0;
    for (size_t i = 0; i < d; ++i) {
      const uint64_t limits = sides[i].limits & alive;
      thrice |= twice & limits;
      twice |= once & limits;
      once |= limits;
    }
    if ((alive & ~once) != 0) return total;
    if (const uint64_t slabs = alive & ~twice; slabs != 0) apply_slabs(sides, d, alive, slabs);

    // An objective that no alive point limits any more is a factor of the whole volume.
    size_t kept = 0;
    for (size_t i = 0; i < d; ++i) {
      const uint64_t limits = sides[i].limits & alive;
      if (limits == 0) {
        factor *= sides[i].hi - sides[i].lo;
        continue;
      }
      if (i != kept) sides[kept] = sides[i];
      sides[kept++].limits = limits;
    }
    d = kept;

    const size_t count = count_bits(alive);
    if (count <= always_subset_points) {
      if (count == 0) return total + factor;
      if (count == 1) return total + factor * volume_one(sides, d, alive);
      if (count == 2) return total + factor * volume_two(sides, d, alive);
      return total + factor * volume_subsets(sides, d, count);
    }
    if (d == 2) return total + factor * volume_plane(sides, alive);

    uint64_t candidates = alive & ~thrice;
    if (candidates == 0) {
      // A cut at a point with many sides makes as many cells that keep most points. With few
      // points, all their subsets are less work; the limit is measured, for 5 to 40 objectives.
      candidates = fewest_limits(sides, d, alive);
      size_t limited = 0;
      for (size_t i = 0; i < d; ++i) limited += sides[i].limits >> lowest_bit(candidates) & 1;
      if (count <= std::min(limited + 3, max_subset_points))
        return total + factor * volume_subsets(sides, d, count);
    }
    if (++cuts_ % 1024 == 0) run_.check();
    const unsigned pivot = choose_pivot(sides, d, candidates);
    alive &= ~bit(pivot);

    // The largest part first, where the pivot covers the smallest share: it has the most limits
    // left. All parts but the last are children; the last one is what stays here.
    Part* const part = &parts_[static_cast<size_t>(sides - sides_.data())];
    size_t parts = 0;
    for (size_t i = 0; i < d; ++i) {
      if ((sides[i].limits >> pivot & 1) == 0) continue;
      const double share = (sides[i].hi - column(sides[i])[pivot]) * sides[i].inverse;
      size_t k = parts++;
      for (; k > 0 && part[k - 1].share > share; --k) part[k] = part[k - 1];
      part[k] = {i, share};
    }
    Side* const child = sides + stride_;
    for (size_t k = 0;; ++k) {
      Side& side = sides[part[k].side];
      const double x = column(side)[pivot];
      const uint64_t left = alive & below(side)[pivot];
      if (k + 1 == parts) {
        side.set(side.lo, x);
        alive = left;
        break;
      }
      std::copy_n(sides, d, child);
      child[part[k].side].set(side.lo, x);
      total += factor * volume(child, d, left);
      side.set(x, side.hi);
      side.limits &= above(side)[pivot];
    }
  }
}

inline void WordCells::apply_slabs(Side* sides, size_t d, uint64_t& alive, uint64_t slabs) const {
  for (size_t i = 0; i < d; ++i) {
    const uint64_t here = sides[i].limits & slabs;
    if (here == 0) continue;
    const double* x = column(sides[i]);
    const unsigned p = lowest_point(here, x);
    sides[i].set(sides[i].lo, x[p]);
    alive &= below(sides[i])[p];
  }
}

// Closed forms: what one point and what two points leave uncovered in the objectives so far.
inline double WordCells::volume_one(const Side* sides, size_t d, uint64_t alive) const {
  const unsigned p = lowest_bit(alive);
  double all = 1.0, open = 0.0;
  for (size_t i = 0; i < d; ++i) {
    const double x = column(sides[i])[p];
    open = (x - sides[i].lo) * all + (sides[i].hi - x) * open;
    all *= sides[i].hi - sides[i].lo;
  }
  return open;
}

inline double WordCells::volume_two(const Side* sides, size_t d, uint64_t alive) const {
  const unsigned p = lowest_bit(alive), q = lowest_bit(alive & (alive - 1));
  double all = 1.0, open_p = 0.0, open_q = 0.0, open = 0.0;
  for (size_t i = 0; i < d; ++i) {
    const double lo = sides[i].lo, hi = sides[i].hi;
    const double x = std::max(column(sides[i])[p], lo), y = std::max(column(sides[i])[q], lo);
    const double first = std::min(x, y), second = std::max(x, y);
    open = (first - lo) * all + (second - first) * (x < y ? open_p : open_q) + (hi - second) * open;
    open_p = (x - lo) * all + (hi - x) * open_p;
    open_q = (y - lo) * all + (hi - y) * open_q;
    all *= hi - lo;
  }
  return open;
}

// open[S] is what the points of S leave uncovered in the objectives so far. In one objective more,
// of a strip between two coordinates, those points of S count that are below it: the points that do
// not limit the cell there, and the first ones in ascending order of those that do.
// The lowest three points of S are the lanes of a register, the others number the registers.
inline double WordCells::volume_subsets(const Side* sides, size_t d, size_t count) {
  const size_t subsets = std::max<size_t>(bit(count), 8);
  if (open_.size() < subsets) open_.resize(subsets);
  double* const open = open_.data();
  std::fill_n(open, 8, 0.0);
  open[0] = 1.0;

  // From the objective with the fewest limits: while few points have been met, tables are small.
  size_t* const order = order_.data();
  uint64_t* const later = later_.data();
  for (size_t i = 0; i < d; ++i) {
    const size_t key = count_bits(sides[i].limits);
    size_t k = i;
    for (; k > 0 && count_bits(sides[order[k - 1]].limits) > key; --k) order[k] = order[k - 1];
    order[k] = i;
  }
  later[d] = 0;
  for (size_t i = d; i-- > 0;) later[i] = later[i + 1] | sides[order[i]].limits;

  uint64_t met = 0;        // points that an objective so far limited
  size_t met_count = 0;
  size_t needed = 0;       // points that no later objective limits: they are in every set from now
  unsigned char label[word_bits];  // of the points met: their bits in S
  for (size_t t = 0; t < d; ++t) {
    const Side& side = sides[order[t]];
    const uint64_t limits = side.limits;
    const double* x = column(side);
    const size_t sets_before = bit(met_count);
    for (uint64_t set = limits & ~met; set != 0; set &= set - 1)
      label[lowest_bit(set)] = static_cast<unsigned char>(met_count++);
    met |= limits;
    const size_t sets = bit(met_count);
    if (sets > 8) {
      const size_t from = std::max<size_t>(sets_before, 8);
      std::fill(open + from, open + sets, 0.0);
    }

    // Coordinates in ascending order.
    double from[max_subset_points + 2];
    size_t one[max_subset_points];
    size_t strips = 0, here = 0;
    const uint64_t* lower = below(side);
    const uint64_t* higher = above(side);
    for (uint64_t set = limits; set != 0; set &= set - 1, ++strips) {
      const unsigned p = lowest_bit(set);
      const uint64_t before = lower[p] | (~higher[p] & (bit(p) - 1));
      const size_t k = count_bits(before & limits);
      from[k + 1] = x[p];
      one[k] = size_t{1} << label[p];
      here |= one[k];
    }
    from[0] = side.lo;
    from[strips + 1] = side.hi;
    double width[max_subset_points + 1];
    size_t counts[max_subset_points + 1];  // the points that count, as a set
    counts[0] = ~here;
    width[0] = from[1] - from[0];
    for (size_t k = 1; k <= strips; ++k) {
      counts[k] = counts[k - 1] | one[k - 1];
      width[k] = from[k + 1] - from[k];
    }
    for (uint64_t set = limits & ~later[t + 1]; set != 0; set &= set - 1)
      needed |= size_t{1} << label[lowest_bit(set)];

    const size_t high_needed = needed >> 3, high = sets > 8 ? (sets - 1) >> 3 : 0;
    const size_t high_free = high & ~high_needed;
    for (size_t v = high_free;; v = (v - 1) & high_free) {
      const size_t set = (v | high_needed) << 3;
      Eight sum = times(width[0], pick(open + (set & counts[0]), counts[0] & 7));
      for (size_t k = 1; k <= strips; ++k)
        sum = add_times(sum, width[k], pick(open + (set & counts[k]), counts[k] & 7));
      store(open + set, sum);
      if (v == 0) break;
    }
  }
  return open[bit(count) - 1];
}

// Two objectives, both limited by every point: strips between the steps of the staircase.
inline double WordCells::volume_plane(const Side* sides, uint64_t alive) const {
  const Side &across = sides[0], &up = sides[1];
  const double* x = column(across);
  const double* y = column(up);
  double left = across.lo, top = up.hi, area = 0.0;
  while (alive != 0) {
    const unsigned p = lowest_point(alive, x);
    area += (x[p] - left) * (top - up.lo);
    left = x[p];
    top = y[p];
    alive &= below(up)[p];
  }
  return area + (across.hi - left) * (top - up.lo);
}

// The alive points that limit the cell in the fewest objectives.
inline uint64_t WordCells::fewest_limits(const Side* sides, size_t d, uint64_t alive) const {
  // count[b]: bit b of the number of objectives, for all points at once.
  uint64_t count[word_bits] = {};
  unsigned used = 0;
  for (size_t i = 0; i < d; ++i) {
    uint64_t carry = sides[i].limits;
    for (unsigned b = 0; carry != 0; ++b) {
      const uint64_t next = count[b] & carry;
      count[b] ^= carry;
      carry = next;
      used = std::max(used, b + 1);
    }
  }
  for (unsigned b = used; b-- > 0;)
    if (const uint64_t fewer = alive & ~count[b]; fewer != 0) alive = fewer;
  return alive;
}

// The candidate that covers most of the cell.
inline unsigned WordCells::choose_pivot(const Side* sides, size_t d, uint64_t candidates) const {
  double covered[word_bits];
  for (uint64_t set = candidates; set != 0; set &= set - 1) covered[lowest_bit(set)] = 1.0;
  for (size_t i = 0; i < d; ++i) {
    const double* x = column(sides[i]);
    for (uint64_t set = candidates & sides[i].limits; set != 0; set &= set - 1) {
      const unsigned p = lowest_bit(set);
      covered[p] *= (sides[i].hi - x[p]) * sides[i].inverse;
    }
  }
  unsigned pivot = lowest_bit(candidates);
  for (uint64_t set = candidates & (candidates - 1); set != 0; set &= set - 1) {
    const unsigned p = lowest_bit(set);
    if (covered[p] > covered[pivot]) pivot = p;
  }
  return pivot;
}

}  // namespace LAMOO_LEVEL
}  // namespace lamoo
