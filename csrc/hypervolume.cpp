#include "hypervolume.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "bits.hpp"
#include "dominance.hpp"
#include "few_points.hpp"
#include "parallel.hpp"
#include "scale.hpp"
#include "sweep.hpp"
#include "sweep4.hpp"
#include "uncovered.hpp"

namespace lamoo {

using std::size_t;

namespace {

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

void drop_dominated(const double* F, std::vector<size_t>& rows, size_t m, bool keep_equal,
                    const Run& run) {
  std::vector<double> counted;
  counted.reserve(rows.size() * m);
  for (const size_t row : rows) counted.insert(counted.end(), F + row * m, F + (row + 1) * m);
  std::vector<std::uint8_t> keep(rows.size());
  is_nondominated(counted.data(), rows.size(), m, keep_equal, keep.data(), run);
  std::vector<size_t> kept;
  for (size_t i = 0; i < rows.size(); ++i)
    if (keep[i] != 0) kept.push_back(rows[i]);
  rows = std::move(kept);
}

}  // namespace

double hypervolume(const double* F, size_t n, size_t m, const double* ref, const Run& run) {
  const bool few = n <= few_points;
  if (m == 2) return few ? hypervolume_of_few<2>(F, n, ref) : hypervolume2(F, n, ref, run);
  if (m == 3) return few ? hypervolume_of_few<3>(F, n, ref) : hypervolume3(F, n, ref, run);
  if (m == 4)
    return n <= few_points_4 ? hypervolume_of_few<4>(F, n, ref) : hypervolume4(F, n, ref, run);
  std::vector<size_t> rows = rows_below(F, n, m, ref);
  if (rows.empty()) return 0.0;
  if (m == 1) return ref[0] - lowest(F, rows, ref);
  if (rows.size() > most_with_dominated) drop_dominated(F, rows, m, false, run);
  std::sort(rows.begin(), rows.end(), [last = F + m - 1, m](size_t a, size_t b) {
    return last[a * m] < last[b * m] || (last[a * m] == last[b * m] && a < b);
  });
  const Scale scale(m, ref, {{F, rows}});
  const std::vector<double> columns = columns_of(F, rows, m, scale), corner = scale.ref();
  return scale.up(hypervolume_cells(columns.data(), rows.size(), m, corner.data(), run));
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
  if (m == 2) return contributions2(F, n, ref, ignore_dominated, run, out);
  if (m == 3) return contributions3(F, n, ref, ignore_dominated, run, out);
  std::fill_n(out, n, 0.0);
  std::vector<size_t> rows = rows_below(F, n, m, ref);
  if (rows.empty()) return;
  if (m == 1) {
    contributions1(F, rows, ref, ignore_dominated, out);
    return;
  }
  if (ignore_dominated) drop_dominated(F, rows, m, true, run);
  const Scale scale(m, ref, {{F, rows}});
  const std::vector<double> columns = columns_of(F, rows, m, scale), corner = scale.ref();
  const size_t k = rows.size();
  std::vector<double> own(k);
  contributions_cells(columns.data(), k, m, corner.data(), run, own.data());
  for (size_t i = 0; i < k; ++i) out[rows[i]] = scale.up(own[i]);
}

void hv_improvement(const double* C, size_t c, const double* F, size_t n, size_t m,
                    const double* ref, const Run& run, double* out) {
  if (m == 2) return improvements2(C, c, F, n, ref, run, out);
  if (m == 3) return improvements3(C, c, F, n, ref, run, out);
  std::fill_n(out, c, 0.0);
  std::vector<size_t> rows = rows_below(F, n, m, ref);
  const std::vector<size_t> inside = rows_below(C, c, m, ref);
  if (inside.empty()) return;
  if (m == 1) {
    const double best = lowest(F, rows, ref);
    for (const size_t i : inside) out[i] = std::max(best - C[i], 0.0);
    return;
  }
  if (rows.size() > word_bits) drop_dominated(F, rows, m, false, run);
  const Scale scale(m, ref, {{F, rows}, {C, inside}});
  const std::vector<double> columns = columns_of(F, rows, m, scale), corner = scale.ref();
  const std::vector<double> candidates = columns_of(C, inside, m, scale);
  const size_t k = inside.size();
  std::vector<double> gain(k);
  improvements_cells(candidates.data(), k, columns.data(), rows.size(), m, corner.data(), run,
                     gain.data());
  for (size_t i = 0; i < k; ++i) out[inside[i]] = scale.up(gain[i]);
}

}  // namespace lamoo
