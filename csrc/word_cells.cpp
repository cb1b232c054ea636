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
  // Beside lo and hi each level keeps the order in which a cut takes the objectives, and their
  // widths and fractions.
  indices_.resize(2 * d * levels);
  words_.resize(d * levels);
  numbers_.resize(4 * d * levels);
  cells_.resize(levels);
  for (size_t level = 0; level < levels; ++level) {
    cells_[level] = {0, indices_.data() + 2 * d * level, words_.data() + d * level,
                     numbers_.data() + 4 * d * level, numbers_.data() + 4 * d * level + d};
  }
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
    cell.axis[j] = j;
    cell.limits[j] = limits;
    cell.lo[j] = lo[j];
    cell.hi[j] = hi[j];
  }
  return volume(0, alive);
}

double WordCells::volume(size_t level, uint64_t alive) {
  Cell& cell = cells_[level];

  // The points that limit the cell in at least one, two, three objectives.
  uint64_t once = 0, twice = 0, thrice = 0;
  for (size_t i = 0; i < cell.d; ++i) {
    const uint64_t limits = cell.limits[i] &= alive;
    thrice |= twice & limits;
    twice |= once & limits;
    once |= limits;
  }
  if ((alive & ~once) != 0) return 0.0;

  if (const uint64_t slabs = once & ~twice; slabs != 0) {
    for (size_t i = 0; i < cell.d; ++i) {
      const uint64_t here = cell.limits[i] & slabs;
      if (here == 0) continue;
      const double* x = table_->column(cell.axis[i]);
      const unsigned p = lowest_point(here, x);
      cell.hi[i] = x[p];
      alive &= table_->below(cell.axis[i])[p];
    }
  }

  // An objective that no alive point limits any more is a factor of the whole volume.
  double factor = 1.0;
  size_t d = 0;
  for (size_t i = 0; i < cell.d; ++i) {
    const uint64_t limits = cell.limits[i] & alive;
    if (limits == 0) {
      factor *= cell.hi[i] - cell.lo[i];
      continue;
    }
    cell.axis[d] = cell.axis[i];
    cell.limits[d] = limits;
    cell.lo[d] = cell.lo[i];
    cell.hi[d] = cell.hi[i];
    ++d;
  }
  cell.d = d;

  if (alive == 0) return factor;
  const uint64_t others = alive & (alive - 1);
  if (others == 0) return factor * volume_one(cell, lowest_bit(alive));
  if ((others & (others - 1)) == 0)
    return factor * volume_two(cell, lowest_bit(alive), lowest_bit(others));
  if (d == 2) return factor * volume_plane(cell, alive);
  const uint64_t pairs = alive & ~thrice;
  return factor * volume_cut(level, alive, pairs != 0 ? pairs : fewest_limits(cell, alive));
}

// Objective by objective from the last: full is the volume of the box in the objectives so far,
// one what p leaves uncovered of it there. Below p all of full is uncovered, above p as much as in
// the objectives before.
double WordCells::volume_one(const Cell& cell, unsigned p) const {
  double full = 1.0, one = 0.0;
  for (size_t i = cell.d; i-- > 0;) {
    const double at = table_->column(cell.axis[i])[p];
    one = (at - cell.lo[i]) * full + (cell.hi[i] - at) * one;
    full *= cell.hi[i] - cell.lo[i];
  }
  return one;
}

// The same for two points: below both, between them, above both.
double WordCells::volume_two(const Cell& cell, unsigned p, unsigned q) const {
  double full = 1.0, only_p = 0.0, only_q = 0.0, both = 0.0;
  for (size_t i = cell.d; i-- > 0;) {
    const double* x = table_->column(cell.axis[i]);
    const double lo = cell.lo[i], hi = cell.hi[i];
    const double at_p = std::max(x[p], lo), at_q = std::max(x[q], lo);
    const double first = std::min(at_p, at_q), second = std::max(at_p, at_q);
    both = (first - lo) * full + (second - first) * (at_p < at_q ? only_p : only_q) +
           (hi - second) * both;
    only_p = (at_p - lo) * full + (hi - at_p) * only_p;
    only_q = (at_q - lo) * full + (hi - at_q) * only_q;
    full *= hi - lo;
  }
  return both;
}

// Two objectives, both limited by every point: strips between the steps of the staircase.
double WordCells::volume_plane(const Cell& cell, uint64_t alive) const {
  const double* x = table_->column(cell.axis[0]);
  const double* y = table_->column(cell.axis[1]);
  const uint64_t* below = table_->below(cell.axis[1]);
  double left = cell.lo[0], top = cell.hi[1], area = 0.0;
  while (alive != 0) {
    const unsigned p = lowest_point(alive, x);
    area += (x[p] - left) * (top - cell.lo[1]);
    left = x[p];
    top = y[p];
    alive &= below[p];
  }
  return area + (cell.hi[0] - left) * (top - cell.lo[1]);
}

// The alive points that limit the cell in the fewest objectives.
uint64_t WordCells::fewest_limits(const Cell& cell, uint64_t alive) const {
  // count[b]: bit b of the number of objectives, for all points at once.
  uint64_t count[word_bits] = {};
  unsigned used = 0;
  for (size_t i = 0; i < cell.d; ++i) {
    uint64_t carry = cell.limits[i];
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

double WordCells::volume_cut(size_t level, uint64_t alive, uint64_t candidates) {
  Cell& cell = cells_[level];
  const size_t d = cell.d;
  size_t* const order = cell.axis + capacity_;
  double* const inverse = cell.hi + capacity_;
  double* const fraction = inverse + capacity_;
  for (size_t i = 0; i < d; ++i) inverse[i] = 1.0 / (cell.hi[i] - cell.lo[i]);

  // The pivot: the candidate that covers most of the cell.
  unsigned pivot = lowest_bit(candidates);
  double most = -1.0;
  for (; candidates != 0; candidates &= candidates - 1) {
    const unsigned p = lowest_bit(candidates);
    double covered = 1.0;
    for (size_t i = 0; i < d; ++i)
      if ((cell.limits[i] >> p & 1) != 0)
        covered *= (cell.hi[i] - table_->column(cell.axis[i])[p]) * inverse[i];
    if (covered > most) {
      most = covered;
      pivot = p;
    }
  }

  // Its objectives, so that the largest cell comes first: it has the most limits left.
  size_t count = 0;
  for (size_t i = 0; i < d; ++i) {
    if ((cell.limits[i] >> pivot & 1) == 0) continue;
    const double share = (cell.hi[i] - table_->column(cell.axis[i])[pivot]) * inverse[i];
    size_t at = count++;
    for (; at > 0 && fraction[at - 1] > share; --at) {
      fraction[at] = fraction[at - 1];
      order[at] = order[at - 1];
    }
    fraction[at] = share;
    order[at] = i;
  }

  alive &= ~bit(pivot);
  Cell& child = cells_[level + 1];
  double total = 0.0;
  for (size_t c = 0; c < count; ++c) {
    const size_t i = order[c];
    const double at = table_->column(cell.axis[i])[pivot];
    child.d = d;
    std::copy_n(cell.axis, d, child.axis);
    std::copy_n(cell.limits, d, child.limits);
    std::copy_n(cell.lo, d, child.lo);
    std::copy_n(cell.hi, d, child.hi);
    child.hi[i] = at;
    total += volume(level + 1, alive & table_->below(cell.axis[i])[pivot]);
    cell.lo[i] = at;
    cell.limits[i] &= table_->above(cell.axis[i])[pivot];
  }
  return total;
}

}  // namespace lamoo
