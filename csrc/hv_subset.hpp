// Choosing points by the volume that they add: the least contributor, greedy subsets.
#pragma once

#include <cstddef>

#include "run.hpp"

namespace lamoo {

// The row with the least contribution (hv_contributions with ignore_dominated), the first of equal
// ones; n > 0. A row's volume is left as soon as it is known not to be the least.
std::size_t hv_least_contributor(const double* F, std::size_t n, std::size_t m, const double* ref,
                                 const Run& run);

// k <= n rows, each the one that adds most to those before it, the first of equal ones. out (k,).
// What a row adds only falls, so that a row is looked at again only if what it once added is more
// than any row adds now (Minoux 1978).
void hv_subset_selection(const double* F, std::size_t n, std::size_t m, const double* ref,
                         std::size_t k, const Run& run, std::size_t* out);

}  // namespace lamoo
