// Hypervolume, contributions and improvement in many objectives: loops over cells. Compiled for each
// level, with its parts.
#include "subsets_kernel.hpp"
#include "sets_kernel.hpp"
#include "slices_kernel.hpp"
#include "leaves_kernel.hpp"
#include "small_cells_kernel.hpp"
#include "point_sets_kernel.hpp"
#include "uncovered_kernel.hpp"

namespace lamoo {
namespace LAMOO_LEVEL {

// The points are in ascending order of the last objective. Each adds its distance to ref there
// times what the points before it leave uncovered of its box in the other objectives.
double hypervolume_cells(const double* columns, size_t n, size_t m, const double* ref,
                         const Run& run) {
  const size_t d = m - 1;
  PointSets points;
  points.assign(columns, n, d);
  std::vector<double> some;
  if (n <= most_with_dominated && points.has_sets()) {
    const std::vector<size_t> kept = points.without_covered();
    if (kept.size() < n) {
      for (size_t j = 0; j < m; ++j)
        for (const size_t i : kept) some.push_back(columns[j * n + i]);
      columns = some.data();
      n = kept.size();
      points.assign(columns, n, d);
    }
  }
  Budget budget(run, n, d);
  std::vector<double> terms(n);
  parallel_for(n, useful_threads(n, n, d, run), run, [&] {
    return [&, uncovered = Uncovered(budget), lo = std::vector<double>(d)](size_t task) mutable {
      const size_t i = n - 1 - task;  // the large cells first: it evens out the load of the threads
      for (size_t j = 0; j < d; ++j) lo[j] = columns[j * n + i];
      terms[i] = (ref[d] - columns[d * n + i]) * uncovered(points, lo.data(), ref, i, n, i);
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
  Budget budget(run, n, m);
  parallel_for(n, useful_threads(n, n, m, run), run, [&] {
    return [&, uncovered = Uncovered(budget), lo = std::vector<double>(m)](size_t i) mutable {
      for (size_t j = 0; j < m; ++j) lo[j] = columns[j * n + i];
      out[i] = uncovered(points, lo.data(), ref, n, i, i);
    };
  });
}

// The point that covers least of its own, the first of equal ones.
size_t least_cell(const double* columns, size_t n, size_t m, const double* ref, const Run& run) {
  PointSets points;
  points.assign(columns, n, m);
  Budget budget(run, n, m);
  std::vector<double> own(n);
  std::atomic<double> least{std::numeric_limits<double>::infinity()};
  parallel_for(n, useful_threads(n, n, m, run), run, [&] {
    return [&, uncovered = Uncovered(budget), lo = std::vector<double>(m)](size_t i) mutable {
      for (size_t j = 0; j < m; ++j) lo[j] = columns[j * n + i];
      double so_far = least.load(std::memory_order_relaxed);
      own[i] = uncovered(points, lo.data(), ref, n, i, i, so_far);
      while (own[i] < so_far && !least.compare_exchange_weak(so_far, own[i])) {
      }
    };
  });
  return static_cast<size_t>(std::min_element(own.begin(), own.end()) - own.begin());
}

void improvements_cells(const double* candidates, size_t c, const double* columns, size_t n,
                        size_t m, const double* ref, const Run& run, double* out) {
  PointSets points;
  points.assign(columns, n, m);
  Budget budget(run, n, m);
  parallel_for(c, useful_threads(c, n, m, run), run, [&] {
    return [&, uncovered = Uncovered(budget), lo = std::vector<double>(m)](size_t i) mutable {
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
  Budget budget(run, n, d);
  return Uncovered(budget)(points, lo, hi, end, skip);
}

}  // namespace LAMOO_LEVEL
}  // namespace lamoo
