// Memory of the trees of prefix sums and maxima in prefix_kernel.hpp.
#pragma once

#include <cstddef>

namespace lamoo {

// For numbers below n: 4 (n + n/16 + n/256 + ...), and whole nodes.
inline std::size_t prefix_bytes(std::size_t n) { return 5 * n + 1024; }

}  // namespace lamoo
