// Which of many rows in two and three objectives no other one dominates.
#pragma once

#include <cstddef>
#include <cstdint>

#include "run.hpp"
#include "sorting.hpp"

namespace lamoo {

// Sets out[number[i]] to 1 for each row i of F (n, m) that is dominated by none; of equal ones only
// for the first, unless keep_weakly. n > 0. O(n log n)
// keep_front3 is for very many rows: it uses threads whatever n is.
void keep_front2(const double* F, const Index* number, std::size_t n, bool keep_weakly,
                 const Run& run, std::uint8_t* out);
void keep_front3(const double* F, const Index* number, std::size_t n, bool keep_weakly,
                 const Run& run, std::uint8_t* out);

}  // namespace lamoo
