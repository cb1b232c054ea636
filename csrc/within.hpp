// Is every number finite and small enough? In one pass at the speed of memory.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

namespace lamoo {

// Are all of |x[0]| .. |x[n - 1]| at most limit? NaN is not.
inline bool all_within(const double* x, std::size_t n, double limit) {
  constexpr std::size_t lanes = 16, block = 64 * lanes;
  std::size_t i = 0;
  while (n - i >= lanes) {
    std::int64_t outside[lanes] = {};  // a lane each, for SIMD instructions
    for (const std::size_t end = n - i > block ? i + block : n; i + lanes <= end; i += lanes)
      for (std::size_t l = 0; l < lanes; ++l)
        outside[l] |= std::fabs(x[i + l]) <= limit ? std::int64_t{0} : std::int64_t{1};
    for (std::size_t l = 1; l < lanes; ++l) outside[0] |= outside[l];
    if (outside[0] != 0) return false;
  }
  for (; i < n; ++i)
    if (!(std::fabs(x[i]) <= limit)) return false;
  return true;
}

}  // namespace lamoo
