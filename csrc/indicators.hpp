// Quality of a set of points against a reference set, and crowding. All objectives minimised.
#pragma once

#include <cstddef>
#include <cstdint>

#include "run.hpp"

namespace lamoo {

enum class Indicator {
  epsilon_additive,
  epsilon_mult,
  igd_plus,
};

// Of the n > 0 rows of F and the k > 0 rows of R, row-major:
//   epsilon_additive  max over r of min over f of max over j of f[j] - r[j]
//   epsilon_mult      the same of f[j] / r[j], or r[j] / f[j] where inverse[j]; all numbers > 0
//   igd_plus          mean over r of min over f of the norm of max(f - r, 0)
// inverse (m,) may be null. O(n k m).
double indicator(Indicator which, const double* F, std::size_t n, const double* R, std::size_t k,
                 std::size_t m, const std::uint8_t* inverse, const Run& run);

// out[i] = mean over the objectives of the gap between the neighbours of row i among the rows of the
// same front, over the range of that front; infinite for the first and the last. An objective in
// which the front has no range counts 0. front (n,) holds numbers below n; null: one front.
// O(m n log n).
void crowding_distance(const double* F, std::size_t n, std::size_t m, const std::int64_t* front,
                       const Run& run, double* out);

}  // namespace lamoo
