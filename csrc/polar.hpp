// Blocks of directions and how far a body reaches along them: the inner loops of hv_approx.
//
// A body is given by a matrix g (n, m), by column: along a direction with coordinates x it reaches
// max over rows of min over j of g[i][j] y[j]. For a union of boxes g are the heights and
// y = 1 / x; for what one point alone covers see hv_approx_points.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "run.hpp"

namespace lamoo {

struct Body {
  const double* columns;  // objective j of row i is columns[j * stride + i]; zeros after row n-1
  std::size_t n, m, stride;  // stride is a multiple of `padding`
};
constexpr std::size_t padding = 8;

// Directions through the cube: the face where objective `face` is 1, the others x in (0, 1) from
// uniform numbers u by x = u / (u + bend (1 - u)): bend > 1 draws them to 0, bend = 1 is uniform.
struct CubeFace {
  std::size_t face;
  double bend;
};

// Coordinates of directions: coordinate d of direction p is bits[d * count + p], a fraction of 2^64.
// count is a multiple of `directions_at_once`. Neighbours should be neighbours in space.
struct Coordinates {
  const std::uint64_t* bits;
  std::size_t count;
};
constexpr std::size_t directions_at_once = 32;

// Memory of one thread.
struct PolarScratch {
  std::vector<double> y, weight, reach, near, leaf, bounds;
  std::vector<std::size_t> kept, order;
  std::vector<std::uint32_t> chosen;
};

// value[p] = reach^m * dx/du of direction p through a face, d = m - 1 coordinates. value (count,)
void through_face(const Body& body, const CubeFace& face, const Coordinates& at, const Run& run,
                  PolarScratch& scratch, double* value);

// Directions of points uniform in the boxes of the body, chosen[p] being the box of direction p;
// coordinates 1 .. m (coordinate 0 is for the choice). value[p] = the largest reach^m over the sum of all boxes' reach^m; the largest
// reach goes to reach[p] and 1 / x, by column, to y if they are not null.
// inverse: 1 / g by row, (n, m).
void through_boxes(const Body& body, const double* inverse, const std::uint32_t* chosen,
                   const Coordinates& at, const Run& run, PolarScratch& scratch, double* value,
                   double* reach, double* y);

// 1 / max(1, reach) of one direction y (m,): the rows go through the lanes.
double depth(const Body& body, const double* y);

}  // namespace lamoo
