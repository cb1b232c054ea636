// The space below a reference point cut into disjoint boxes, along a front: the part that the front
// dominates, or the rest. All objectives minimised.
#pragma once

#include <cstddef>
#include <exception>
#include <vector>

#include "run.hpp"

namespace lamoo {

enum class Part {
  dominated,
  nondominated,
};

// The front has more local upper bounds than the caller wants.
struct TooManyBoxes : std::exception {
  const char* what() const noexcept override { return "too many boxes"; }
};

// Box i is the points x with lower[i * m + j] <= x[j] < upper[i * m + j] for all j. None is empty.
struct Boxes {
  std::vector<double> lower, upper;
};

// Of the n rows of F, those count that are below ref and that no other dominates. Lower corners of
// the nondominated part are -infinity where nothing bounds it. It takes as many boxes as the front
// has local upper bounds, the least number possible, unless rows share coordinates: then at most as
// many, and boxes that fit together are merged. The dominated part never takes more. With more than
// `limit` local upper bounds: TooManyBoxes.
// O(n log n) for m <= 3. Above, O(z m + b m^2) for a row that lies below b of the z local upper
// bounds of the rows before it in m - 1 objectives.
Boxes boxes(const double* F, std::size_t n, std::size_t m, const double* ref, Part part,
            std::size_t limit, const Run& run);

}  // namespace lamoo
