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

// out[i] = the volume that row i of F covers alone, or that row i of C (c, m) would add to F, and its
// standard error; n_samples for each, rounded down to 32 times a power of two, at least 32. Both as
// in hypervolume.hpp, where they are exact. Returns the samples taken for each.
// What a row adds is cut into cells by the boxes in it (own_part.hpp); cells that are left uncut
// are sampled, along lines from the corner that is dominated last to the first box.
// O(n_samples * n * m) at most for each row, and n^2 m for the boxes that matter.
std::uint64_t hv_approx_contributions(const double* F, std::size_t n, std::size_t m,
                                      const double* ref, bool ignore_dominated,
                                      std::uint64_t n_samples, std::uint64_t seed, const Run& run,
                                      double* value, double* stderr_);
std::uint64_t hv_approx_improvement(const double* C, std::size_t c, const double* F, std::size_t n,
                                    std::size_t m, const double* ref, std::uint64_t n_samples,
                                    std::uint64_t seed, const Run& run, double* value,
                                    double* stderr_);

}  // namespace lamoo
