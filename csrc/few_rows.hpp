// Dominance among so few rows that comparing all pairs is fastest.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lamoo {

constexpr std::size_t few_rows = 32;

// Bit k of dominators[i]: row k dominates row i or, if so wanted, k < i and the rows are equal.
inline void find_dominators(const double* F, std::size_t n, std::size_t m, bool equal_too,
                            std::uint32_t* dominators) {
  for (std::size_t i = 0; i < n; ++i) {
    const double* x = F + i * m;
    dominators[i] = 0;
    for (std::size_t k = 0; k < i; ++k) {
      const double* y = F + k * m;
      bool less = false, greater = false;
      for (std::size_t j = 0; j < m && !(less && greater); ++j) {
        less |= x[j] < y[j];
        greater |= x[j] > y[j];
      }
      const bool dominated = !less && (greater || equal_too);
      dominators[i] |= std::uint32_t{dominated} << k;
      dominators[k] |= std::uint32_t{less && !greater} << i;
    }
  }
}

}  // namespace lamoo
