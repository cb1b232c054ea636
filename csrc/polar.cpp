#include "polar.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#define LAMOO_KERNEL_FILE "polar_kernel.hpp"
#include "foreach_level.hpp"

namespace lamoo {

void through_face(const Body& body, const CubeFace& face, const Coordinates& at, const Run& run,
                  PolarScratch& scratch, double* value) {
  LAMOO_DISPATCH(through_face)(body, face, at, run, scratch, value);
}

void through_boxes(const Body& body, const double* inverse, const std::uint32_t* chosen,
                   const Coordinates& at, const Run& run, PolarScratch& scratch, double* value,
                   double* reach, double* y) {
  LAMOO_DISPATCH(through_boxes)(body, inverse, chosen, at, run, scratch, value, reach, y);
}

double depth(const Body& body, const double* y) { return LAMOO_DISPATCH(depth)(body, y); }

}  // namespace lamoo
