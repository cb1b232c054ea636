// The part of a box that some points leave uncovered, with sets of points as few words: the
// innermost level of the exact hypervolume. (A part of volumes_kernel.hpp.)
//
// A cell is a box [lo, hi) and a set of alive points. A point p covers [p, infinity). It *limits*
// the cell in the objectives where it is above lo; below hi it is in all of them, or it would not
// be alive. Three rules, of which only the last one branches:
//   covered  a point that limits the cell nowhere covers it all: the volume is 0
//   slab     a point that limits it in one objective only lowers hi there, and is gone together
//            with all points that are not below the new hi
//   cut      else one point splits what it leaves uncovered into disjoint cells, one for each
//            objective that it limits; the point is gone from all of them
// and where few points are left, leaves end the recursion.
// All volumes are sums of products of differences of two coordinates: nothing ever cancels.

namespace lamoo {
namespace LAMOO_LEVEL {

// How much of a part, times factor, makes total more than enough: a little more, for rounding.
inline double rest_of(double enough, double total, double factor) {
  return (enough - total) / factor * (1.0 + 1e-9);
}

// The rules for sets of W words. Holds scratch memory, used for many cells: one a thread.
template <size_t W>
class Cells {
 public:
  explicit Cells(Work& work) : work_(work), leaves_(work) {}

  // A cell of points of table. Give it a side for each objective that alive points may limit, then
  // ask for its volume. lo < hi, and alive points are below hi everywhere.
  void begin(const Table<W>& table, size_t most_sides) {
    table_ = &table;
    stride_ = most_sides;
    used_ = 0;
    const size_t sides = (table.size() + 1) * stride_;  // each cut takes one point away
    sides_ = side_room_.room_for(sides);
    parts_ = part_room_.room_for(sides);
  }
  void add_side(size_t objective, const Set<W>& limits, double lo, double hi) {
    sides_[used_++] = {objective, limits, lo, hi};
  }
  // Once it is sure that the volume is more than enough, some other number above enough will do.
  double volume(const Set<W>& alive, double enough) { return volume(0, used_, alive, enough); }

 private:
  // One of the cells that a cut makes: the side it is cut at.
  struct Part {
    size_t side;
    long key;
  };

  double volume(size_t level, size_t d, Set<W> alive, double enough);
  void apply_slabs(Side<W>* sides, size_t d, Set<W>& alive, const Set<W>& slabs) const;
  size_t choose_pivot(const Side<W>* sides, size_t d, const Set<W>& alive);
  size_t order_parts(const Side<W>* sides, size_t d, const Set<W>& alive, size_t pivot,
                     Part* parts) const;

  Work& work_;
  Leaves<W> leaves_;
  const Table<W>* table_ = nullptr;
  size_t stride_ = 0, used_ = 0;  // sides of a level, and of the first cell
  Scratch<Side<W>> side_room_;
  Scratch<Part> part_room_;
  Side<W>* sides_ = nullptr;
  Part* parts_ = nullptr;  // as many as sides
  uint64_t cost_[Table<W>::capacity];
};

template <size_t W>
double Cells<W>::volume(size_t level, size_t d, Set<W> alive, double enough) {
  Side<W>* const sides = &sides_[level * stride_];
  double total = 0.0, factor = 1.0;
  for (;;) {
    // The points that limit the cell in at least one, at least two objectives.
    Set<W> once{}, twice{};
    for (size_t i = 0; i < d; ++i) {
      const Set<W> limits = sides[i].limits & alive;
      twice = twice | (once & limits);
      once = once | limits;
    }
    if (alive.without(once).any()) return total;
    if (const Set<W> slabs = alive.without(twice); slabs.any()) apply_slabs(sides, d, alive, slabs);

    // An objective that no alive point limits any more is a factor of the whole volume.
    size_t kept = 0;
    for (size_t i = 0; i < d; ++i) {
      const Set<W> limits = sides[i].limits & alive;
      if (!limits.any()) {
        factor *= sides[i].hi - sides[i].lo;
        continue;
      }
      if (i != kept) sides[kept] = sides[i];
      sides[kept++].limits = limits;
    }
    d = kept;

    double leaf;
    if (leaves_.volume(*table_, sides, d, alive, rest_of(enough, total, factor), leaf))
      return total + factor * leaf;

    work_.spend(1 + count(alive) * d / word_bits);
    const size_t pivot = choose_pivot(sides, d, alive);
    Part* const parts = &parts_[level * stride_];
    const size_t parts_count = order_parts(sides, d, alive, pivot, parts);
    if constexpr (W == 1) {
      const size_t k = count(alive);
      if (leaves_.is_leaf(k, parts_count)) {
        work_.spend(bit(k) * d * k / 512);
        return total + factor * leaves_.subsets(*table_, sides, d, alive.words[0], k);
      }
    }
    erase(alive, pivot);
    // All parts but the last are children; the last one is what stays here.
    Side<W>* const child = sides + stride_;
    for (size_t k = 0; k < parts_count; ++k) {
      Side<W>& side = sides[parts[k].side];
      const double x = table_->column(side.objective)[pivot];
      const Set<W> left = alive & table_->below(side.objective)[pivot];
      if (k + 1 == parts_count) {
        side.hi = x;
        alive = left;
        break;
      }
      std::copy_n(sides, d, child);
      child[parts[k].side].hi = x;
      total += factor * volume(level + 1, d, left, rest_of(enough, total, factor));
      if (total > enough) return total;
      side.lo = x;
      side.limits = side.limits.without(table_->up_to(side.objective)[pivot]);
    }
  }
}

template <size_t W>
void Cells<W>::apply_slabs(Side<W>* sides, size_t d, Set<W>& alive, const Set<W>& slabs) const {
  for (size_t i = 0; i < d; ++i) {
    const Set<W> here = sides[i].limits & slabs;
    if (!here.any()) continue;
    const unsigned char* rank = table_->rank(sides[i].objective);
    size_t lowest = Table<W>::capacity;
    for_each(here, [&](size_t p) { lowest = std::min<size_t>(lowest, rank[p]); });
    const size_t p = table_->order(sides[i].objective)[lowest];
    sides[i].hi = table_->column(sides[i].objective)[p];
    alive = alive & table_->below(sides[i].objective)[p];
  }
}

// The point with the cheapest parts, where the work for k points is taken to grow as k^4.
template <size_t W>
size_t Cells<W>::choose_pivot(const Side<W>* sides, size_t d, const Set<W>& alive) {
  for_each(alive, [&](size_t p) { cost_[p] = 0; });
  for (size_t i = 0; i < d; ++i) {
    const Set<W>* below = table_->below(sides[i].objective);
    for_each(sides[i].limits, [&](size_t p) {
      const uint64_t k = count(alive & below[p]);
      cost_[p] += k * k * (k * k);
    });
  }
  size_t pivot = 0;
  uint64_t least = ~uint64_t{0};
  for_each(alive, [&](size_t p) {
    if (cost_[p] >= least) return;
    least = cost_[p];
    pivot = p;
  });
  return pivot;
}

// First the parts that leave few points to themselves, and that take limits from those after them.
template <size_t W>
size_t Cells<W>::order_parts(const Side<W>* sides, size_t d, const Set<W>& alive, size_t pivot,
                             Part* parts) const {
  size_t size = 0;
  for (size_t i = 0; i < d; ++i) {
    if (!contains(sides[i].limits, pivot)) continue;
    const Set<W>& below = table_->below(sides[i].objective)[pivot];
    const long key = static_cast<long>(count(alive & below)) -
                     2 * static_cast<long>(count(sides[i].limits & below));
    size_t k = size++;
    for (; k > 0 && parts[k - 1].key > key; --k) parts[k] = parts[k - 1];
    parts[k] = {i, key};
  }
  return size;
}

// At most 64 points of more words get a table of their own.
template <>
class Leaves<4> {
 public:
  explicit Leaves(Work& work) : cells_(work) {}

  bool volume(const Table<4>& table, const Side<4>* sides, size_t d, const Set<4>& alive,
              double enough, double& volume) {
    if (count(alive) > word_bits) return false;
    points_.clear();
    for_each(alive, [&](size_t p) { points_.push_back(static_cast<uint32_t>(p)); });
    gather_.begin(table, points_, d, few_);
    cells_.begin(few_, d);
    for (size_t i = 0; i < d; ++i) {
      const Set<1> limits =
          gather_.objective(table, points_, sides[i].objective, sides[i].lo, few_, i);
      cells_.add_side(i, limits, sides[i].lo, sides[i].hi);
    }
    volume = cells_.volume(first_points<1>(points_.size()), enough);
    return true;
  }

 private:
  Gather gather_;
  Table<1> few_;
  Cells<1> cells_;
  std::vector<uint32_t> points_;
};

}  // namespace LAMOO_LEVEL
}  // namespace lamoo
