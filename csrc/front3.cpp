#include "front3.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "run.hpp"
#include "staircase.hpp"
#include "bits.hpp"

#define LAMOO_KERNEL_FILE "front3_kernel.hpp"
#include "foreach_level.hpp"

namespace lamoo {

using std::size_t;

void exclusive_volumes(const double* columns, size_t n, const std::vector<size_t>& front,
                       size_t begin, size_t end, const double* ref, const Run& run, double* out) {
  LAMOO_DISPATCH(exclusive_volumes)(columns, n, front, begin, end, ref, run, out);
}

void improvements_over(const double* candidates, size_t c, const double* columns, size_t n,
                       size_t begin, size_t end, const double* ref, const Run& run, double* out) {
  LAMOO_DISPATCH(improvements_over)(candidates, c, columns, n, begin, end, ref, run, out);
}

void own_volumes(const double* points, size_t stride, const size_t* start, const std::uint32_t* by,
                 size_t begin, size_t end, const double* ref, double* out) {
  LAMOO_DISPATCH(own_volumes)(points, stride, start, by, begin, end, ref, out);
}

// A sweep in z. The area that a point takes from a staircase in x and y was free from lo to its z.
double uncovered3(const double* x, const double* y, const double* z, size_t k, const double* lo,
                  const double* hi, Scratch3& scratch) {
  auto& [order, stairs] = scratch;
  order.resize(k);
  for (size_t i = 0; i < k; ++i) order[i] = {z[i], i};
  std::sort(order.begin(), order.end());

  stairs.reset(k);
  double volume = 0.0;
  for (const auto& [level, i] : order) {
    const size_t before = stairs.previous(i);
    double top = before != k ? y[before] : hi[1], left = x[i];
    const double bottom = y[i];
    if (top <= bottom) continue;
    double area = 0.0;
    size_t after = stairs.next(i);
    for (; after != k && y[after] >= bottom; after = stairs.next(after)) {
      area += (x[after] - left) * (top - bottom);
      left = x[after];
      top = y[after];
      stairs.erase(after);
    }
    area += ((after != k ? x[after] : hi[0]) - left) * (top - bottom);
    volume += area * (level - lo[2]);
    stairs.insert(i);
  }
  double left = lo[0], top = hi[1], area = 0.0;
  for (size_t i = stairs.first(); i != k; i = stairs.next(i)) {
    area += (x[i] - left) * (top - lo[1]);
    left = x[i];
    top = y[i];
  }
  area += (hi[0] - left) * (top - lo[1]);
  return volume + area * (hi[2] - lo[2]);
}

}  // namespace lamoo
