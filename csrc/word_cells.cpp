#include "word_cells.hpp"

#include <algorithm>

namespace lamoo {

using std::size_t;
using std::uint64_t;

namespace {

constexpr size_t levels = word_bits + 1;

uint64_t bit(unsigned p) { return uint64_t{1} << p; }

// The point of a non-empty set that is lowest in a column.
unsigned lowest_point(uint64_t set, const double* x) {
  unsigned best = lowest_bit(set);
  for (set &= set - 1; set != 0; set &= set - 1) {
    const unsigned p = lowest_bit(set);
    if (x[p] < x[best]) best = p;
  }
  return best;
}

// Above it the tables of volume_subsets, three numbers for each subset, take more than 6 MiB.
constexpr size_t max_subset_points = 18;

// Bits in pairs, in nibbles, in bytes, then all bytes added up in the top one.
size_t count_points(uint64_t set) {
  set -= set >> 1 & 0x5555555555555555u;
  set = (set & 0x3333333333333333u) + (set >> 2 & 0x3333333333333333u);
  set = (set + (set >> 4)) & 0x0F0F0F0F0F0F0F0Fu;
  return static_cast<size_t>(set * 0x0101010101010101u >> 56);
}

}  // namespace

void WordTable::resize(size_t k, size_t d) {
  size_ = k;
  objectives_ = d;
  if (x_.size() < d * word_bits) {
    x_.resize(d * word_bits);
    below_.resize(d * word_bits);
    above_.resize(d * word_bits);
  }
}

void WordTable::build_sets() {
  const uint64_t all = low_bits(size_);
  unsigned order[word_bits];
  for (size_t j = 0; j < objectives_; ++j) {
    const double* x = column(j);
    for (unsigned p = 0; p < size_; ++p) {
      unsigned i = p;
      for (; i > 0 && x[order[i - 1]] > x[p]; --i) order[i] = order[i - 1];
      order[i] = p;
    }
    uint64_t* below = below_.data() + j * word_bits;
    uint64_t* above = above_.data() + j * word_bits;
    uint64_t lower = 0;
    for (size_t first = 0, last; first < size_; first = last) {
      uint64_t ties = 0;
      for (last = first; last < size_ && x[order[last]] == x[order[first]]; ++last)
        ties |= bit(order[last]);
      for (size_t i = first; i < last; ++i) {
        below[order[i]] = lower;
        above[order[i]] = all & ~(lower | ties);
      }
      lower |= ties;
    }
  }
}

void WordCells::reserve(size_t d) {
  if (d <= capacity_) return;
  sides_.resize(d * levels);
  cells_.resize(levels);
  for (size_t level = 0; level < levels; ++level) cells_[level] = {&sides_[level * d], 0};
  capacity_ = d;
}

double WordCells::uncovered(const WordTable& table, uint64_t alive, const double* lo,
                            const double* hi) {
  reserve(table.objectives());
  table_ = &table;
  Cell& cell = cells_[0];
  cell.d = table.objectives();
  for (size_t j = 0; j < cell.d; ++j) {
    const double* x = table.column(j);
    uint64_t limits = 0;
    for (size_t p = 0; p < table.size(); ++p) limits |= uint64_t{x[p] > lo[j]} << p;
    cell.sides[j] = {j, limits, lo[j], hi[j]};
  }
  return volume(0, alive);
}

double WordCells::volume(size_t level, uint64_t alive) {
  Cell& cell = cells_[level];
  Side* const begin = cell.sides;
  Side* end = begin + cell.d;

  // The points that limit the cell in at least one, two, three objectives.
  uint64_t once = 0, twice = 0, thrice = 0;
  for (Side* side = begin; side != end; ++side) {
    const uint64_t limits = side->limits & alive;
    thrice |= twice & limits;
    twice |= once & limits;
    once |= limits;
  }
  if ((alive & ~once) != 0) return 0.0;

  if (const uint64_t slabs = alive & ~twice; slabs != 0) {
    for (Side* side = begin; side != end; ++side) {
      const uint64_t here = side->limits & slabs;
      if (here == 0) continue;
      const double* x = table_->column(side->objective);
      const unsigned p = lowest_point(here, x);
      side->hi = x[p];
      alive &= table_->below(side->objective)[p];
    }
  }

  // An objective that no alive point limits any more is a factor of the whole volume.
  double factor = 1.0;
  Side* kept = begin;
  for (Side* side = begin; side != end; ++side) {
    const uint64_t limits = side->limits & alive;
    if (limits == 0) {
      factor *= side->hi - side->lo;
    } else {
      *kept = *side;
      kept++->limits = limits;
    }
  }
  cell.d = static_cast<size_t>(kept - begin);

  const size_t count = count_points(alive);
  switch (count) {
    case 0: return factor;
    case 1: return factor * volume_few<1>(cell, alive);
    case 2: return factor * volume_few<2>(cell, alive);
    case 3: return factor * volume_few<3>(cell, alive);
    case 4: return factor * volume_few<4>(cell, alive);
    default: break;
  }
  if (cell.d == 2) return factor * volume_plane(cell, alive);

  if (const uint64_t pairs = alive & ~thrice; pairs != 0)
    return factor * volume_cut(level, alive, pairs);
  // A cut at a point with many sides makes as many cells that keep most points. With few points,
  // all their subsets are less work; the limit is measured, for 5 to 40 objectives.
  const uint64_t fewest = fewest_limits(cell, alive);
  const size_t sides = count_sides(cell, lowest_bit(fewest));
  if (count <= std::min(sides + 4, max_subset_points))
    return factor * volume_subsets(cell, alive, count);
  return factor * volume_cut(level, alive, fewest);
}

// Closed form for K points. open[S] is what the points of S leave uncovered in the objectives so
// far, from the last one: in the strip of one more objective between two coordinates, those points
// of S count that are below it, the first ones in ascending order.
template <size_t K>
double WordCells::volume_few(const Cell& cell, uint64_t alive) const {
  constexpr size_t subsets = size_t{1} << K;
  unsigned points[K];
  for (size_t i = 0; i < K; ++i, alive &= alive - 1) points[i] = lowest_bit(alive);
  double open[subsets] = {1.0};
  for (const Side* side = cell.sides + cell.d; side-- != cell.sides;) {
    const double* x = table_->column(side->objective);
    double from[K + 2];
    size_t first[K + 1];  // the first so many points, as a set
    from[0] = side->lo;
    from[K + 1] = side->hi;
    for (size_t i = 0; i < K; ++i) {
      const double at = std::max(x[points[i]], side->lo);
      size_t k = i + 1;
      for (; k > 1 && from[k - 1] > at; --k) {
        from[k] = from[k - 1];
        first[k] = first[k - 1];
      }
      from[k] = at;
      first[k] = size_t{1} << i;
    }
    double width[K + 1];
    first[0] = 0;
    for (size_t k = 0; k <= K; ++k) {
      width[k] = from[k + 1] - from[k];
      if (k > 0) first[k] |= first[k - 1];
    }
    double next[subsets];
    for (size_t set = 0; set < subsets; ++set) {
      next[set] = width[0] * open[0];
      for (size_t k = 1; k <= K; ++k) next[set] += width[k] * open[set & first[k]];
    }
    std::copy_n(next, subsets, open);
  }
  return open[subsets - 1];
}

// The same for more points, with O(1) work for each subset and objective.
double WordCells::volume_subsets(const Cell& cell, uint64_t alive, size_t count) {
  const size_t subsets = size_t{1} << count;
  if (open_.size() < subsets) {
    open_.resize(subsets);
    done_.resize(subsets);
    highest_.resize(subsets);
  }
  unsigned points[max_subset_points];
  for (size_t i = 0; i < count; ++i, alive &= alive - 1) points[i] = lowest_bit(alive);

  std::fill_n(open_.begin(), subsets, 0.0);
  open_[0] = 1.0;
  for (const Side* side = cell.sides + cell.d; side-- != cell.sides;) {
    // The points in ascending order; each is the highest one of itself and any set of those before.
    const double* x = table_->column(side->objective);
    size_t order[max_subset_points];
    for (size_t i = 0; i < count; ++i) {
      size_t k = i;
      for (; k > 0 && x[points[order[k - 1]]] > x[points[i]]; --k) order[k] = order[k - 1];
      order[k] = i;
    }
    // done: the volume below the highest point of the set.
    done_[0] = 0.0;
    highest_[0] = side->lo;
    size_t before = 0;
    for (size_t k = 0; k < count; ++k) {
      const size_t one = size_t{1} << order[k];
      const double at = std::max(x[points[order[k]]], side->lo);
      size_t set = 0;
      do {
        done_[set | one] = done_[set] + (at - highest_[set]) * open_[set];
        highest_[set | one] = at;
        set = (set - before) & before;
      } while (set != 0);
      before |= one;
    }
    for (size_t set = 0; set < subsets; ++set)
      open_[set] = done_[set] + (side->hi - highest_[set]) * open_[set];
  }
  return open_[subsets - 1];
}

// Two objectives, both limited by every point: strips between the steps of the staircase.
double WordCells::volume_plane(const Cell& cell, uint64_t alive) const {
  const Side &across = cell.sides[0], &up = cell.sides[1];
  const double* x = table_->column(across.objective);
  const double* y = table_->column(up.objective);
  const uint64_t* below = table_->below(up.objective);
  double left = across.lo, top = up.hi, area = 0.0;
  while (alive != 0) {
    const unsigned p = lowest_point(alive, x);
    area += (x[p] - left) * (top - up.lo);
    left = x[p];
    top = y[p];
    alive &= below[p];
  }
  return area + (across.hi - left) * (top - up.lo);
}

size_t WordCells::count_sides(const Cell& cell, unsigned p) const {
  size_t count = 0;
  for (const Side* side = cell.sides; side != cell.sides + cell.d; ++side)
    count += (side->limits >> p & 1) != 0 ? 1u : 0u;
  return count;
}

// The alive points that limit the cell in the fewest objectives.
uint64_t WordCells::fewest_limits(const Cell& cell, uint64_t alive) const {
  // count[b]: bit b of the number of objectives, for all points at once.
  uint64_t count[word_bits] = {};
  unsigned used = 0;
  for (size_t i = 0; i < cell.d; ++i) {
    uint64_t carry = cell.sides[i].limits;
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
unsigned WordCells::choose_pivot(const Cell& cell, uint64_t candidates) const {
  double covered[word_bits];
  for (uint64_t set = candidates; set != 0; set &= set - 1) covered[lowest_bit(set)] = 1.0;
  for (const Side* side = cell.sides; side != cell.sides + cell.d; ++side) {
    const double* x = table_->column(side->objective);
    const double inverse = 1.0 / (side->hi - side->lo);
    for (uint64_t set = candidates & side->limits; set != 0; set &= set - 1) {
      const unsigned p = lowest_bit(set);
      covered[p] *= (side->hi - x[p]) * inverse;
    }
  }
  unsigned pivot = lowest_bit(candidates);
  for (uint64_t set = candidates & (candidates - 1); set != 0; set &= set - 1) {
    const unsigned p = lowest_bit(set);
    if (covered[p] > covered[pivot]) pivot = p;
  }
  return pivot;
}

double WordCells::volume_cut(size_t level, uint64_t alive, uint64_t candidates) {
  const Cell& cell = cells_[level];
  Cell& child = cells_[level + 1];
  const unsigned pivot = choose_pivot(cell, candidates);
  alive &= ~bit(pivot);
  // The largest part first, where the pivot covers the smallest share: it has the most limits left.
  const auto next_side = [&] {
    Side* best = nullptr;
    double best_share = 0.0;
    for (Side* side = cell.sides; side != cell.sides + cell.d; ++side) {
      if ((side->limits >> pivot & 1) == 0) continue;
      const double share = (side->hi - at(*side, pivot)) / (side->hi - side->lo);
      if (best == nullptr || share < best_share) {
        best = side;
        best_share = share;
      }
    }
    return best;
  };
  double total = 0.0;
  while (Side* const side = next_side()) {
    const double x = at(*side, pivot);
    child.d = cell.d;
    std::copy_n(cell.sides, cell.d, child.sides);
    child.sides[side - cell.sides].hi = x;
    total += volume(level + 1, alive & table_->below(side->objective)[pivot]);
    side->lo = x;
    side->limits &= table_->above(side->objective)[pivot];
  }
  return total;
}

}  // namespace lamoo
