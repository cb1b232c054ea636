// Hypervolume estimated by randomised quasi-Monte Carlo over directions.
#pragma once

#include <cstddef>
#include <cstdint>

#include "run.hpp"

namespace lamoo {

struct HVEstimate {
  double value;
  double stderr_;           // standard error of value, from independent replicates
  std::uint64_t n_samples;  // samples taken, over all replicates
};

// A mean over directions from ref, in 32 independently randomised replicates, of the distance to the
// edge of the covered region, to the power m (Deng and Zhang, 2019), over the density of the
// directions. These go through the faces of the cube around the region, or to points in boxes that
// are chosen by volume (Karp and Luby, 1983); a few samples decide which.
// F, ref as in hypervolume.hpp. Stops at n_samples samples, or before that once
// stderr_ <= rel_tol * value; rel_tol = 0 means never before. One sample has stderr_ = infinity.
// The estimate is a function of seed, to the last bit; run and the instruction set have no
// influence. O(n_samples * n * m) at most.
HVEstimate hv_approx(const double* F, std::size_t n, std::size_t m, const double* ref,
                     std::uint64_t n_samples, double rel_tol, std::uint64_t seed, const Run& run);

}  // namespace lamoo
