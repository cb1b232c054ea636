#include "uncovered.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <numeric>
#include <type_traits>
#include <utility>
#include <vector>

#include "bits.hpp"
#include "parallel.hpp"
#include "scratch.hpp"
#include "sweep.hpp"

#define LAMOO_KERNEL_FILE "volumes_kernel.hpp"
#include "foreach_level.hpp"

namespace lamoo {

using std::size_t;

double hypervolume_cells(const double* columns, size_t n, size_t m, const double* ref,
                         const Run& run) {
  return LAMOO_DISPATCH(hypervolume_cells)(columns, n, m, ref, run);
}

void contributions_cells(const double* columns, size_t n, size_t m, const double* ref,
                         const Run& run, double* out) {
  LAMOO_DISPATCH(contributions_cells)(columns, n, m, ref, run, out);
}

size_t least_cell(const double* columns, size_t n, size_t m, const double* ref, const Run& run) {
  return LAMOO_DISPATCH(least_cell)(columns, n, m, ref, run);
}

void improvements_cells(const double* candidates, size_t c, const double* columns, size_t n,
                        size_t m, const double* ref, const Run& run, double* out) {
  LAMOO_DISPATCH(improvements_cells)(candidates, c, columns, n, m, ref, run, out);
}

double uncovered_volume(const double* columns, size_t n, size_t d, const double* lo,
                        const double* hi, size_t end, size_t skip, size_t max_bytes,
                        const Run& run) {
  return LAMOO_DISPATCH(uncovered_volume)(columns, n, d, lo, hi, end, skip, max_bytes, run);
}

}  // namespace lamoo
