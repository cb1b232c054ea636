// Hypervolume estimated by randomised quasi-Monte Carlo over directions.
#pragma once

#include <cstddef>
#include <cstdint>

#include "run.hpp"

namespace lamoo {

struct HVEstimate {
  double value;
  double stderr_;           // standard error of value, from independent replicates
  std::uint64_t n_samples;  // samples really taken, over all replicates
};

// The volume seen from ref in polar coordinates: the mean over directions w of the distance to the
// edge of the covered region, to the power m (Deng and Zhang, 2019). F, ref as in hypervolume.hpp.
// Stops at n_samples samples (rounded down to whole replicates, at least one sample each), or
// before that once stderr_ <= rel_tol * value; rel_tol = 0 means never before.
// The estimate is a function of seed; run has no influence. O(n_samples * n * m).
HVEstimate hv_approx(const double* F, std::size_t n, std::size_t m, const double* ref,
                     std::uint64_t n_samples, double rel_tol, std::uint64_t seed, const Run& run);

}  // namespace lamoo
