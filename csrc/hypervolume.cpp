#include "hypervolume.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "dominance.hpp"
#include "parallel.hpp"
#include "sweep.hpp"
#include "uncovered.hpp"

namespace lamoo {

using std::size_t;

namespace {

bool below(const double* x, const double* ref, size_t m) {
  for (size_t j = 0; j < m; ++j)
    if (!(x[j] < ref[j])) return false;
  return true;
}

// The rows that count, by number.
std::vector<size_t> rows_below(const double* F, size_t n, size_t m, const double* ref) {
  std::vector<size_t> rows;
  for (size_t i = 0; i < n; ++i)
    if (below(F + i * m, ref, m)) rows.push_back(i);
  return rows;
}

// Rows of an array by number.
struct Rows {
  const double* F;
  const std::vector<size_t>& numbers;
};

// Binary exponent of the width ref - x, which may be beyond the largest number.
int width_exponent(double ref, double x) {
  int e = 0;
  const double width = ref - x;
  if (std::isfinite(width)) {
    std::frexp(width, &e);
    return e;
  }
  std::frexp(0.5 * ref - 0.5 * x, &e);
  return e + 1;
}

// Powers of two, one for each objective, that bring the widths to where products of many of them
// neither overflow nor underflow on the way. They change no digit of a result, unless an objective
// spans some hundred orders of magnitude and the product of the spans overflows by as much.
class Scale {
 public:
  Scale(size_t m, const double* ref, std::initializer_list<Rows> sets) : m_(m), ref_(ref) {
    const std::vector<int> span = span_of(sets);
    std::vector<int> shifts = shifts_for(span, span);
    // Where no box is wide in many objectives, the spans say nothing of the volumes.
    if (std::accumulate(span.begin(), span.end(), 0) > 2 * most) {
      std::vector<int> other = shifts_for(largest_box_of(sets), span);
      if (never_overflows(other, sets)) shifts = std::move(other);
    }
    factors_.reserve(2 * m);
    for (const int shift : shifts) {
      exponent_ -= shift;
      // Two factors: one alone can be out of range.
      factors_.push_back(std::ldexp(1.0, shift / 2));
      factors_.push_back(std::ldexp(1.0, shift - shift / 2));
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
  // The exponent of the product of all spans, scaled. A coordinate has at most 2^54 times its span.
  static constexpr int most = 900;

  std::vector<int> span_of(std::initializer_list<Rows> sets) const {
    std::vector<double> lowest(ref_, ref_ + m_);
    for (const auto& [F, numbers] : sets)
      for (const size_t row : numbers)
        for (size_t j = 0; j < m_; ++j) lowest[j] = std::min(lowest[j], F[row * m_ + j]);
    std::vector<int> exponents(m_);
    for (size_t j = 0; j < m_; ++j) exponents[j] = width_exponent(ref_[j], lowest[j]);
    return exponents;
  }

  // Calls visit(exponents of the widths) for each box.
  template <class Visit>
  void for_each_box(std::initializer_list<Rows> sets, Visit visit) const {
    std::vector<int> box(m_);
    for (const auto& [F, numbers] : sets)
      for (const size_t row : numbers) {
        for (size_t j = 0; j < m_; ++j) box[j] = width_exponent(ref_[j], F[row * m_ + j]);
        visit(box);
      }
  }

  std::vector<int> largest_box_of(std::initializer_list<Rows> sets) const {
    std::vector<int> best;
    int largest = std::numeric_limits<int>::min();
    for_each_box(sets, [&](const std::vector<int>& box) {
      const int size = std::accumulate(box.begin(), box.end(), 0);
      if (size <= largest) return;
      largest = size;
      best = box;
    });
    return best;
  }

  // Every product on the way is one of widths inside some box.
  bool never_overflows(const std::vector<int>& shifts, std::initializer_list<Rows> sets) const {
    bool fits = true;
    for_each_box(sets, [&](const std::vector<int>& box) {
      int up = 0;
      for (size_t j = 0; j < m_; ++j) up += std::max(box[j] + shifts[j], 0);
      fits = fits && up < std::numeric_limits<double>::max_exponent;
    });
    return fits;
  }

  // Shifts that bring a box with these widths to 2^most, but no coordinate out of range.
  static std::vector<int> shifts_for(const std::vector<int>& widths, const std::vector<int>& span) {
    const int excess = excess_of(widths);
    std::vector<int> shifts(widths.size());
    for (size_t j = 0; j < widths.size(); ++j)
      shifts[j] = std::min(std::max(widths[j] - excess, 0) - widths[j], std::max(most - span[j], 0));
    return shifts;
  }

  // The least number which, taken off all exponents that stay positive, leaves at most `most`.
  static int excess_of(const std::vector<int>& exponents) {
    int excess = *std::min_element(exponents.begin(), exponents.end()) - most;
    for (;;) {
      int left = -most, count = 0;
      for (const int e : exponents)
        if (e > excess) {
          left += e - excess;
          ++count;
        }
      if (left <= 0) return excess;
      excess += (left + count - 1) / count;  // never too much: each step takes at most count
    }
  }

  size_t m_;
  const double* ref_;
  std::vector<double> factors_;
  int exponent_ = 0;
};

// Objective j of row i, scaled, at j * rows.size() + i.
std::vector<double> columns_of(const double* F, const std::vector<size_t>& rows, size_t m,
                               const Scale& scale) {
  const size_t n = rows.size();
  std::vector<double> columns(m * n);
  for (size_t i = 0; i < n; ++i)
    for (size_t j = 0; j < m; ++j) columns[j * n + i] = scale.down(F[rows[i] * m + j], j);
  return columns;
}

// ---- one objective ----

double lowest(const double* F, const std::vector<size_t>& rows, const double* ref) {
  double best = ref[0];
  for (const size_t row : rows) best = std::min(best, F[row]);
  return best;
}

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

// ---- many objectives ----

// Starting a thread costs as much as some thousand cells of few points.
int useful_threads(size_t cells, size_t points, size_t d, const Run& run) {
  const double work = static_cast<double>(cells) * static_cast<double>(points) *
                      static_cast<double>(d * d);
  return work < 1e5 ? 1 : run.n_threads();
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
    return [&, uncovered = Uncovered(), lo = std::vector<double>(d)](size_t task) mutable {
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
    return [&, uncovered = Uncovered(), lo = std::vector<double>(m)](size_t i) mutable {
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
    return [&, uncovered = Uncovered(), lo = std::vector<double>(m)](size_t i) mutable {
      for (size_t j = 0; j < m; ++j) lo[j] = candidates[j * c + i];
      out[i] = uncovered(points, lo.data(), ref, n, n);
    };
  });
}

void drop_dominated(const double* F, std::vector<size_t>& rows, size_t m, bool keep_equal) {
  std::vector<double> counted;
  counted.reserve(rows.size() * m);
  for (const size_t row : rows) counted.insert(counted.end(), F + row * m, F + (row + 1) * m);
  std::vector<std::uint8_t> keep(rows.size());
  is_nondominated(counted.data(), rows.size(), m, keep_equal, keep.data());
  std::vector<size_t> kept;
  for (size_t i = 0; i < rows.size(); ++i)
    if (keep[i] != 0) kept.push_back(rows[i]);
  rows = std::move(kept);
}

}  // namespace

double hypervolume(const double* F, size_t n, size_t m, const double* ref, const Run& run) {
  std::vector<size_t> rows = rows_below(F, n, m, ref);
  if (rows.empty()) return 0.0;
  if (m == 1) return ref[0] - lowest(F, rows, ref);
  if (m > 3) {
    if (rows.size() > word_bits) drop_dominated(F, rows, m, false);
    std::sort(rows.begin(), rows.end(), [last = F + m - 1, m](size_t a, size_t b) {
      return last[a * m] < last[b * m] || (last[a * m] == last[b * m] && a < b);
    });
  }
  const Scale scale(m, ref, {{F, rows}});
  const std::vector<double> columns = columns_of(F, rows, m, scale), corner = scale.ref();
  const auto volume = m == 2   ? hypervolume2(columns.data(), rows.size(), corner.data())
                      : m == 3 ? hypervolume3(columns.data(), rows.size(), corner.data())
                               : hypervolume_cells(columns.data(), rows.size(), m, corner.data(),
                                                   run);
  return scale.up(volume);
}

void hypervolume_batch(const double* F, const size_t* start, size_t k, size_t m, const double* ref,
                       const Run& run, double* out) {
  if (k == 0) return;
  parallel_for(k, useful_threads(k, start[k] - start[0], m, run), run, [&] {
    return [&](size_t s) {
      out[s] = hypervolume(F + start[s] * m, start[s + 1] - start[s], m, ref, run.on_threads(1));
    };
  });
}

void hv_contributions(const double* F, size_t n, size_t m, const double* ref, bool ignore_dominated,
                      const Run& run, double* out) {
  std::fill_n(out, n, 0.0);
  std::vector<size_t> rows = rows_below(F, n, m, ref);
  if (rows.empty()) return;
  if (m == 1) {
    contributions1(F, rows, ref, ignore_dominated, out);
    return;
  }
  if (m > 3 && ignore_dominated) drop_dominated(F, rows, m, true);
  const Scale scale(m, ref, {{F, rows}});
  const std::vector<double> columns = columns_of(F, rows, m, scale), corner = scale.ref();
  const size_t k = rows.size();
  std::vector<double> own(k);
  if (m == 2)
    contributions2(columns.data(), k, corner.data(), ignore_dominated, own.data());
  else if (m == 3)
    contributions3(columns.data(), k, corner.data(), ignore_dominated, run, own.data());
  else
    contributions_cells(columns.data(), k, m, corner.data(), run, own.data());
  for (size_t i = 0; i < k; ++i) out[rows[i]] = scale.up(own[i]);
}

void hv_improvement(const double* C, size_t c, const double* F, size_t n, size_t m,
                    const double* ref, const Run& run, double* out) {
  std::fill_n(out, c, 0.0);
  std::vector<size_t> rows = rows_below(F, n, m, ref);
  const std::vector<size_t> inside = rows_below(C, c, m, ref);
  if (inside.empty()) return;
  if (m == 1) {
    const double best = lowest(F, rows, ref);
    for (const size_t i : inside) out[i] = std::max(best - C[i], 0.0);
    return;
  }
  if (m > 2 && rows.size() > word_bits) drop_dominated(F, rows, m, false);
  const Scale scale(m, ref, {{F, rows}, {C, inside}});
  const std::vector<double> columns = columns_of(F, rows, m, scale), corner = scale.ref();
  const std::vector<double> candidates = columns_of(C, inside, m, scale);
  const size_t k = inside.size();
  std::vector<double> gain(k);
  if (m == 2)
    improvements2(candidates.data(), k, columns.data(), rows.size(), corner.data(), gain.data());
  else
    improvements_cells(candidates.data(), k, columns.data(), rows.size(), m, corner.data(),
                       run, gain.data());
  for (size_t i = 0; i < k; ++i) out[inside[i]] = scale.up(gain[i]);
}

}  // namespace lamoo
