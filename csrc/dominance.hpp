// Pareto dominance, all objectives minimised: a dominates b when a <= b everywhere and a < b
// somewhere. F (n, m) is row-major; out has n entries.
#pragma once

#include <cstddef>
#include <cstdint>

#include "run.hpp"

namespace lamoo {

// out[i] = 1 when no row dominates row i; of equal rows only the first, unless keep_weakly.
// O(n log n) for m <= 3, O(m n log n + n k m) for a front of k rows above.
void is_nondominated(const double* F, std::size_t n, std::size_t m, bool keep_weakly,
                     std::uint8_t* out);

// out[i] = the front that row i is in, from 0. Equal rows share it.
// O(n log n) for m <= 2, O(n log^2 n) for m = 3, O(n^2 m) at worst above.
void pareto_rank(const double* F, std::size_t n, std::size_t m, std::int64_t* out);

// out[i] = number of rows that dominate row i. O(n log n) for m <= 2, O(n log^2 n) for m = 3,
// O(n^2 m / 512) operations on bitsets above.
void dominance_count(const double* F, std::size_t n, std::size_t m, const Run& run,
                     std::int64_t* out);

}  // namespace lamoo
