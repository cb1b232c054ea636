// Rows that do not dominate each other, near ones together in blocks, so that a new row is compared
// with the rows of few blocks: an ND-tree (Jaszkiewicz and Lust 2018) of two levels for SIMD.
#pragma once

#include <cstddef>
#include <vector>

namespace lamoo {

class MemberBlocks {
 public:
  explicit MemberBlocks(std::size_t m);

  std::size_t size() const { return size_; }

  // After this, n rows can be inserted without a throw.
  void reserve(std::size_t n);

  // False if a row is <= x in every objective. If not, x joins, and rows that are >= x leave.
  bool insert(const double* x);

  // Is a row <= x in every objective?
  bool covers(const double* x);

  // All rows, in no order. out (size, m)
  void copy(double* out) const;

 private:
  static constexpr std::size_t lanes = 8;  // bounds are compared with this many at a time
  static constexpr std::size_t most = 32;  // rows of a block

  double* block(std::size_t b) { return rows_.data() + b * m_ * most; }
  double& bound(std::vector<double>& bounds, std::size_t b, std::size_t j) {
    return bounds[(b / lanes * m_ + j) * lanes + b % lanes];
  }
  double& at(std::size_t b, std::size_t i, std::size_t j) {
    return rows_[(b * m_ + j) * most + i];
  }

  void remove_covered_by(const double* x);
  void add(const double* x);
  std::size_t new_block();
  void remove_block(std::size_t b);
  void set_bounds(std::size_t b);
  std::size_t split(std::size_t b);

  std::size_t m_, size_ = 0;
  std::vector<double> rows_;           // [block][objective][row], NaN where there is none
  std::vector<std::size_t> counts_;    // rows of each block
  std::vector<double> lower_, upper_;  // [block / lanes][objective][block % lanes], NaN beyond the end
  std::vector<double> low_, high_;     // of all rows ever
  std::vector<double> scale_;          // 1 / (high - low)
  std::size_t last_ = 0;               // the block that covered a row last
};

}  // namespace lamoo
