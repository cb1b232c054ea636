// Sorting rows by one objective, or lexicographically.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "order_key.hpp"
#include "run.hpp"

namespace lamoo {

using Index = std::uint32_t;  // of a row

struct Record {
  std::uint64_t key;  // order_key of the number to sort by
  Index bucket;       // for the sorter
  Index row;
};

// Stable. Two passes of a radix sort on numbers mapped linearly to small integers, then insertion:
// O(n) where the numbers are spread out, O(n log n) always.
class Sorter {
 public:
  void sort(Record* first, Record* last) { sort(first, last, 0); }

 private:
  void sort(Record* first, Record* last, int depth);

  std::vector<Record> spare_;
  std::vector<Index> starts_;
};

// Rows of F (n, m) in lexicographic order, equal rows in input order.
struct LexicographicOrder {
  LexicographicOrder(const double* F, std::size_t n, std::size_t m, const Run& run = Run());

  std::vector<Index> row;    // row[k]: the k-th
  std::vector<Index> equal;  // equal[k]: position of the first row equal to the k-th
};

// n, or a throw of TooManyRows when an Index cannot number so many rows.
std::size_t checked_row_count(std::size_t n);

}  // namespace lamoo
