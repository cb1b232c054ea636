// Cells of few points, without a cut. (A part of volumes_kernel.hpp.)

namespace lamoo {
namespace LAMOO_LEVEL {

// A cell in one objective.
template <size_t W>
struct Side {
  size_t objective;
  Set<W> limits;  // the points that limit the cell here
  double lo, hi;
};

template <size_t W>
class Cells;
template <size_t W>
class Leaves;

// Where all subsets of the points are less work than any cut, and where they can be: the tables
// then take 16 MiB.
constexpr size_t leaf_points = 7;
constexpr size_t most_leaf_points = 20;

// The points that limit a cell in one objective.
struct Limits {
  uint64_t ranks;  // as a set of their places in ascending order
  size_t here;     // as a set of points of the cell
  size_t later;    // the points that limit a later objective
  const unsigned char* order;
  const double* x;
  const size_t* one;
  double lo, hi;
};

// Closed forms. open[S] is what the points of a set S leave uncovered in the objectives so far. In
// one objective more, of a strip between two coordinates, those points of S count that are below
// it: the points that do not limit the cell there, and the first ones in ascending order of those
// that do.
template <>
class Leaves<1> {
 public:
  explicit Leaves(Work&) {}

  // False if there are too many points. Every point limits the cell in two objectives at least, and
  // every objective is limited.
  bool volume(const Table<1>& table, const Side<1>* sides, size_t d, const Set<1>& alive,
              double enough, double& volume);

  // How far subsets go where slices do as well.
  static constexpr size_t most_for_subsets = 4;
  // A cut into many parts is work for each of them. The limit is measured, for 5 to 100 objectives.
  bool is_leaf(size_t k, size_t parts) const {
    return k <= std::min(parts + 3, most_leaf_points);
  }
  double subsets(const Table<1>& table, const Side<1>* sides, size_t d, uint64_t alive, size_t k);

 private:
  double one_point(const Table<1>& table, const Side<1>* sides, size_t d, size_t p) const;
  double two_points(const Table<1>& table, const Side<1>* sides, size_t d, size_t p,
                    size_t q) const;
  double plane(const Table<1>& table, const Side<1>* sides, const Set<1>& alive) const;
  bool slices(const Table<1>& table, const Side<1>* sides, size_t d, uint64_t alive, size_t k,
              double& volume);

  Slices slices_;
  Scratch<Limits> limits_;
  Scratch<double> open_, part_way_;
};

// One objective, with as many limits as points: open for it as well, at all sets of base and a part
// of free. The lowest three points of a set are the lanes of a register, the others number the
// registers. L is the number of limits, known to the compiler where there are few.
template <class Count>
inline void add_objective(double* open, const Limits& limits, Count L, size_t base, size_t free) {
  constexpr size_t lanes = 7;
  double width[most_leaf_points + 1], from = limits.lo;
  size_t counts[most_leaf_points + 1];  // the points that count in a strip, as a set
  counts[0] = ~limits.here;
  uint64_t ranks = limits.ranks;
  for (size_t k = 0; k < L; ++k, ranks &= ranks - 1) {
    const size_t p = limits.order[lowest_bit(ranks)];
    width[k] = limits.x[p] - from;
    from = limits.x[p];
    counts[k + 1] = counts[k] | limits.one[p];
  }
  width[L] = limits.hi - from;
  for (size_t part = free;; part = (part - 1) & free) {
    const auto term = [&](size_t k) {
      return pick(open + ((part | base) & counts[k] & ~lanes),
                  static_cast<unsigned>(counts[k] & lanes));
    };
    Eight sum = times(width[0], term(0));
    for (size_t k = 1; k <= L; ++k) sum = add_times(sum, width[k], term(k));
    store(open + (part | base), sum);
    if (part == 0) return;
  }
}

// The same for many limits, with two steps for each set in place of one for each limit and set.
// part_way[S] is what S leaves uncovered of the objective up to the point that is next in ascending
// order, for sets of the points before it; such a set with the point itself leaves as much.
inline void add_objective_by_steps(double* open, double* part_way, const Limits& limits, size_t base,
                                   size_t free) {
  constexpr size_t lanes = 7;
  size_t before = ~limits.here;
  const auto for_each_part = [&](auto visit) {
    const size_t all = base & before, some = free & before;
    for (size_t part = some;; part = (part - 1) & some) {
      visit(part | all);
      if (part == 0) return;
    }
  };
  uint64_t ranks = limits.ranks;
  size_t p = limits.order[lowest_bit(ranks)];
  double width = limits.x[p] - limits.lo;
  for_each_part([&](size_t at) { store(part_way + at, times(width, load(open + at))); });
  while (ranks != 0) {
    ranks &= ranks - 1;
    const size_t one = limits.one[p];
    const double from = limits.x[p];
    if (ranks != 0) p = limits.order[lowest_bit(ranks)];
    width = (ranks != 0 ? limits.x[p] : limits.hi) - from;
    double* const to = ranks != 0 ? part_way : open;
    const auto step = [&](size_t at, const Eight& so_far) {
      store(to + at, add_times(so_far, width, load(open + at)));
    };
    if ((one & lanes) != 0) {
      const unsigned others = static_cast<unsigned>(lanes & ~one);
      for_each_part([&](size_t at) { step(at, pick(part_way + at, others)); });
    } else if ((one & base) != 0) {
      for_each_part([&](size_t at) { step(at | one, load(part_way + at)); });
    } else {
      for_each_part([&](size_t at) {
        const Eight so_far = load(part_way + at);
        step(at, so_far);
        step(at | one, so_far);
      });
    }
    before |= one;
  }
}

inline bool Leaves<1>::volume(const Table<1>& table, const Side<1>* sides, size_t d,
                              const Set<1>& alive, double, double& volume) {
  const uint64_t set = alive.words[0];
  const size_t k = count_bits(set);
  if (k > 2 && d == 2) {
    volume = plane(table, sides, alive);
    return true;
  }
  switch (k) {
    case 0: volume = 1.0; return true;
    case 1: volume = one_point(table, sides, d, lowest_bit(set)); return true;
    case 2:
      volume = two_points(table, sides, d, lowest_bit(set), lowest_bit(set & (set - 1)));
      return true;
    default:
      if (slices(table, sides, d, set, k, volume)) return true;
      if (k > leaf_points) return false;
      volume = subsets(table, sides, d, set, k);
      return true;
  }
}

inline double Leaves<1>::one_point(const Table<1>& table, const Side<1>* sides, size_t d,
                                   size_t p) const {
  double all = 1.0, open = 0.0;
  for (size_t i = 0; i < d; ++i) {
    const double x = table.column(sides[i].objective)[p];
    open = (x - sides[i].lo) * all + (sides[i].hi - x) * open;
    all *= sides[i].hi - sides[i].lo;
  }
  return open;
}

inline double Leaves<1>::two_points(const Table<1>& table, const Side<1>* sides, size_t d, size_t p,
                                    size_t q) const {
  double all = 1.0, open_p = 0.0, open_q = 0.0, open = 0.0;
  for (size_t i = 0; i < d; ++i) {
    const double lo = sides[i].lo, hi = sides[i].hi;
    const double* column = table.column(sides[i].objective);
    const double x = std::max(column[p], lo), y = std::max(column[q], lo);
    const double first = std::min(x, y), second = std::max(x, y);
    open = (first - lo) * all + (second - first) * (x < y ? open_p : open_q) + (hi - second) * open;
    open_p = (x - lo) * all + (hi - x) * open_p;
    open_q = (y - lo) * all + (hi - y) * open_q;
    all *= hi - lo;
  }
  return open;
}

// Two objectives, both limited by every point: strips between the steps of the staircase.
inline double Leaves<1>::plane(const Table<1>& table, const Side<1>* sides,
                               const Set<1>& alive) const {
  const Side<1> &across = sides[0], &up = sides[1];
  const double* x = table.column(across.objective);
  const double* y = table.column(up.objective);
  const unsigned char* order = table.order(across.objective);
  const unsigned char* rank = table.rank(across.objective);
  uint64_t ranks = 0;
  for_each(alive, [&](size_t p) { ranks |= bit(rank[p]); });
  double left = across.lo, top = up.hi, area = 0.0;
  for (; ranks != 0; ranks &= ranks - 1) {
    const size_t p = order[lowest_bit(ranks)];
    area += (x[p] - left) * (top - up.lo);
    left = x[p];
    top = std::min(top, y[p]);
  }
  return area + (across.hi - left) * (top - up.lo);
}

// False where other ways are less work.
inline bool Leaves<1>::slices(const Table<1>& table, const Side<1>* sides, size_t d, uint64_t alive,
                              size_t k, double& volume) {
  if (k <= most_for_subsets || d > Slices::most_objectives) return false;
  Axis axes[Slices::most_objectives];
  for (size_t i = 0; i < d; ++i)
    axes[i] = {sides[i].objective, count(sides[i].limits), sides[i].lo, sides[i].hi};
  if (!Slices::suits(k, axes, d)) return false;
  volume = slices_.volume(TablePoints{table, alive}, axes, d);
  return true;
}

inline double Leaves<1>::subsets(const Table<1>& table, const Side<1>* sides, size_t d,
                                 uint64_t alive, size_t k) {
  const size_t all = bit(k) - 1;
  double* const open = open_.room_for(std::max(all + 1, bit(leaf_points)));
  for (size_t set = 0; set <= all; set += 8) store(open + set, Eight{});
  open[0] = 1.0;
  unsigned points[most_leaf_points];
  size_t one[word_bits];  // a point of the cell as a point of the sets
  for (size_t i = 0; i < k; ++i, alive &= alive - 1) {
    points[i] = lowest_bit(alive);
    one[points[i]] = size_t{1} << i;
  }
  Limits* const limits = limits_.room_for(d);
  for (size_t i = 0; i < d; ++i) {
    const Side<1>& side = sides[i];
    const unsigned char* rank = table.rank(side.objective);
    uint64_t ranks = 0, here = 0;
    for (size_t p = 0; p < k; ++p) {
      const uint64_t limiting = side.limits.words[0] >> points[p] & 1;
      ranks |= limiting << rank[points[p]];
      here |= limiting << p;
    }
    limits[i] = {ranks,   here,   0, table.order(side.objective), table.column(side.objective), one,
                 side.lo, side.hi};
  }
  for (size_t i = d - 1; i-- > 0;) limits[i].later = limits[i + 1].later | limits[i + 1].here;

  size_t met = 0;  // points that the objectives so far limit: of all others, open is 0
  for (size_t i = 0; i < d; ++i) {
    const Limits& at = limits[i];
    met |= at.here;
    // Points that no later objective limits: only sets with them matter.
    const size_t base = all & ~(at.later | 7), free = met & at.later & ~size_t{7};
    const size_t count = count_bits(at.here);
    const auto add = [&](auto L) { add_objective(open, at, L, base, free); };
    if (count > 4 && count_bits(free) > 4) {
      add_objective_by_steps(open, part_way_.room_for(all + 1), at, base, free);
      continue;
    }
    switch (count) {
      case 1: add(std::integral_constant<size_t, 1>()); break;
      case 2: add(std::integral_constant<size_t, 2>()); break;
      case 3: add(std::integral_constant<size_t, 3>()); break;
      case 4: add(std::integral_constant<size_t, 4>()); break;
      case 5: add(std::integral_constant<size_t, 5>()); break;
      default: add(count);
    }
  }
  return open[all];
}

}  // namespace LAMOO_LEVEL
}  // namespace lamoo
