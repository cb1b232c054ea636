#include "hypervolume.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
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

// Powers of two that bring the range of each objective to about 1, so that products of many widths
// neither overflow nor underflow on the way. They change no digit of any result.
class Scale {
 public:
  Scale(size_t m, const double* ref) : m_(m), ref_(ref), lowest_(ref, ref + m) {}

  void include(const double* F, const std::vector<size_t>& rows) {
    for (const size_t row : rows)
      for (size_t j = 0; j < m_; ++j) lowest_[j] = std::min(lowest_[j], F[row * m_ + j]);
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
int useful_threads(size_t cells, size_t points, size_t d, int n_threads) {
  const double work = static_cast<double>(cells) * static_cast<double>(points) *
                      static_cast<double>(d * d);
  return work < 1e5 ? 1 : n_threads;
}

// The points are in ascending order of the last objective. Each adds its distance to ref there
// times what the points before it leave uncovered of its box in the other objectives.
double hypervolume_cells(const double* columns, size_t n, size_t m, const double* ref,
                         int n_threads) {
  const size_t d = m - 1;
  PointSets points;
  points.assign(columns, n, d);
  std::vector<double> terms(n);
  parallel_for(n, useful_threads(n, n, d, n_threads), [&] {
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
                         int n_threads, double* out) {
  PointSets points;
  points.assign(columns, n, m);
  parallel_for(n, useful_threads(n, n, m, n_threads), [&] {
    return [&, uncovered = Uncovered(), lo = std::vector<double>(m)](size_t i) mutable {
      for (size_t j = 0; j < m; ++j) lo[j] = columns[j * n + i];
      out[i] = uncovered(points, lo.data(), ref, n, i);
    };
  });
}

void improvements_cells(const double* candidates, size_t c, const double* columns, size_t n,
                        size_t m, const double* ref, int n_threads, double* out) {
  PointSets points;
  points.assign(columns, n, m);
  parallel_for(c, useful_threads(c, n, m, n_threads), [&] {
    return [&, uncovered = Uncovered(), lo = std::vector<double>(m)](size_t i) mutable {
      for (size_t j = 0; j < m; ++j) lo[j] = candidates[j * c + i];
      out[i] = uncovered(points, lo.data(), ref, n, n);
    };
  });
}

std::vector<size_t> without_dominated(const double* F, const std::vector<size_t>& rows, size_t m) {
  std::vector<double> counted;
  counted.reserve(rows.size() * m);
  for (const size_t row : rows) counted.insert(counted.end(), F + row * m, F + (row + 1) * m);
  std::vector<std::uint8_t> keep(rows.size());
  is_nondominated(counted.data(), rows.size(), m, true, keep.data());
  std::vector<size_t> kept;
  for (size_t i = 0; i < rows.size(); ++i)
    if (keep[i] != 0) kept.push_back(rows[i]);
  return kept;
}

}  // namespace

double hypervolume(const double* F, size_t n, size_t m, const double* ref, int n_threads) {
  std::vector<size_t> rows = rows_below(F, n, m, ref);
  if (rows.empty()) return 0.0;
  if (m == 1) return ref[0] - lowest(F, rows, ref);
  if (m > 3)
    std::sort(rows.begin(), rows.end(), [last = F + m - 1, m](size_t a, size_t b) {
      return last[a * m] < last[b * m] || (last[a * m] == last[b * m] && a < b);
    });
  Scale scale(m, ref);
  scale.include(F, rows);
  scale.fix();
  const std::vector<double> columns = columns_of(F, rows, m, scale), corner = scale.ref();
  const auto volume = m == 2   ? hypervolume2(columns.data(), rows.size(), corner.data())
                      : m == 3 ? hypervolume3(columns.data(), rows.size(), corner.data())
                               : hypervolume_cells(columns.data(), rows.size(), m, corner.data(),
                                                   n_threads);
  return scale.up(volume);
}

void hypervolume_batch(const double* F, const size_t* start, size_t k, size_t m, const double* ref,
                       int n_threads, double* out) {
  if (k == 0) return;
  parallel_for(k, useful_threads(k, start[k] - start[0], m, n_threads), [&] {
    return [&](size_t s) {
      out[s] = hypervolume(F + start[s] * m, start[s + 1] - start[s], m, ref, 1);
    };
  });
}

void hv_contributions(const double* F, size_t n, size_t m, const double* ref, bool ignore_dominated,
                      int n_threads, double* out) {
  std::fill_n(out, n, 0.0);
  std::vector<size_t> rows = rows_below(F, n, m, ref);
  if (rows.empty()) return;
  if (m == 1) {
    contributions1(F, rows, ref, ignore_dominated, out);
    return;
  }
  if (m > 3 && ignore_dominated) rows = without_dominated(F, rows, m);
  Scale scale(m, ref);
  scale.include(F, rows);
  scale.fix();
  const std::vector<double> columns = columns_of(F, rows, m, scale), corner = scale.ref();
  const size_t k = rows.size();
  std::vector<double> own(k);
  if (m == 2)
    contributions2(columns.data(), k, corner.data(), ignore_dominated, own.data());
  else if (m == 3)
    contributions3(columns.data(), k, corner.data(), ignore_dominated, n_threads, own.data());
  else
    contributions_cells(columns.data(), k, m, corner.data(), n_threads, own.data());
  for (size_t i = 0; i < k; ++i) out[rows[i]] = scale.up(own[i]);
}

void hv_improvement(const double* C, size_t c, const double* F, size_t n, size_t m,
                    const double* ref, int n_threads, double* out) {
  std::fill_n(out, c, 0.0);
  const std::vector<size_t> rows = rows_below(F, n, m, ref), inside = rows_below(C, c, m, ref);
  if (inside.empty()) return;
  if (m == 1) {
    const double best = lowest(F, rows, ref);
    for (const size_t i : inside) out[i] = std::max(best - C[i], 0.0);
    return;
  }
  Scale scale(m, ref);
  scale.include(F, rows);
  scale.include(C, inside);
  scale.fix();
  const std::vector<double> columns = columns_of(F, rows, m, scale), corner = scale.ref();
  const std::vector<double> candidates = columns_of(C, inside, m, scale);
  const size_t k = inside.size();
  std::vector<double> gain(k);
  if (m == 2)
    improvements2(candidates.data(), k, columns.data(), rows.size(), corner.data(), gain.data());
  else
    improvements_cells(candidates.data(), k, columns.data(), rows.size(), m, corner.data(),
                       n_threads, gain.data());
  for (size_t i = 0; i < k; ++i) out[inside[i]] = scale.up(gain[i]);
}

}  // namespace lamoo
