// Exact hypervolume, contributions and improvement for any number of objectives.
//
// F (n, m) is row-major and minimised; ref (m,) is the reference point; only rows strictly below
// ref in every objective count. Every result is a sum of non-negative products whose factors are
// each one difference of two input coordinates, so that even a tiny volume keeps its digits.
// No result depends on run.
#pragma once

#include <cstddef>

#include "run.hpp"

namespace lamoo {

// Volume of the union of the boxes [F[i], ref].
// m <= 3: sort and sweep, O(n log n). m = 4: a sweep (sweep4.hpp). m >= 5: one cell of m-1 objectives
// per point (uncovered.hpp).
double hypervolume(const double* F, std::size_t n, std::size_t m, const double* ref, const Run& run);

// Set s is rows start[s] .. start[s+1]-1 of F. start (k+1,), out (k,).
void hypervolume_batch(const double* F, const std::size_t* start, std::size_t k, std::size_t m,
                       const double* ref, const Run& run, double* out);

// out[i] = volume that only row i covers, out (n,). With ignore_dominated, dominated rows are
// taken away first. Equal rows cover each other: both get 0.
void hv_contributions(const double* F, std::size_t n, std::size_t m, const double* ref,
                      bool ignore_dominated, const Run& run, double* out);

// out[i] = volume that row i of C (c, m) would add to F, each on its own, out (c,).
void hv_improvement(const double* C, std::size_t c, const double* F, std::size_t n, std::size_t m,
                    const double* ref, const Run& run, double* out);

}  // namespace lamoo
