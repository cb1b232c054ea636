// Pareto dominance, all objectives minimised: a dominates b when a <= b everywhere and a < b
// somewhere. F (n, m) is row-major; out has n entries.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "run.hpp"

namespace lamoo {

// out[i] = 1 when no row dominates row i; of equal rows only the first, unless keep_weakly.
// O(n log n) for m <= 3 and for most sets above, O(n^2 m) at worst.
void is_nondominated(const double* F, std::size_t n, std::size_t m, bool keep_weakly,
                     std::uint8_t* out, const Run& run = Run());

// How many fronts are wanted: at most `fronts`, and no more than it takes to hold `points` rows.
struct RankLimit {
  std::size_t fronts = std::numeric_limits<std::size_t>::max();
  std::size_t points = std::numeric_limits<std::size_t>::max();
};

// out[i] = the front that row i is in, from 0. Equal rows share it. Rows in none of the wanted
// fronts get the number of those.
// O(n log n) for m <= 2, O(n log^2 n) for m = 3, O(n^2 m / 512) operations on bitsets above.
void pareto_rank(const double* F, std::size_t n, std::size_t m, RankLimit limit, const Run& run,
                 std::int64_t* out);

// out[i] = number of rows that dominate row i. O(n log n) for m <= 2, O(n log^2 n) for m = 3,
// O(n^2 m / 512) operations on bitsets above.
void dominance_count(const double* F, std::size_t n, std::size_t m, const Run& run,
                     std::int64_t* out);

}  // namespace lamoo
