// The rows of F (n, m) that count, and the units to compare them in.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <vector>

#include "scale.hpp"

namespace lamoo {

// The rows below ref in every objective, without a list where these are all.
template <std::size_t m>
class RowsBelow {
 public:
  RowsBelow(const double* F, std::size_t n, const double* ref) : F_(F) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    std::fill_n(low_, m, infinity);
    std::fill_n(high_, m, -infinity);
    for (std::size_t i = 0; i < n; ++i) {
      const double* x = F + i * m;
      const bool counts = below(x, ref);
      for (std::size_t j = 0; j < m; ++j) {
        low_[j] = counts && x[j] < low_[j] ? x[j] : low_[j];
        high_[j] = counts && x[j] > high_[j] ? x[j] : high_[j];
      }
      size_ += counts ? 1 : 0;
    }
    for (std::size_t j = 0; j < m; ++j) low_[j] = std::min(low_[j], ref[j]);
    all_ = size_ == n;
    if (all_) return;
    rows_.reserve(size_);
    for (std::size_t i = 0; i < n; ++i)
      if (below(F + i * m, ref)) rows_.push_back(i);
  }

  std::size_t size() const { return size_; }
  std::size_t row(std::size_t i) const { return all_ ? i : rows_[i]; }
  const double* operator[](std::size_t i) const { return F_ + m * row(i); }
  const double* low() const { return low_; }  // or ref
  const double* high() const { return high_; }

  Rows numbered(std::vector<std::size_t>& numbers) const {
    numbers.resize(size_);
    for (std::size_t i = 0; i < size_; ++i) numbers[i] = row(i);
    return {F_, numbers};
  }

 private:
  static bool below(const double* x, const double* ref) {
    bool is = true;
    for (std::size_t j = 0; j < m; ++j) is &= x[j] < ref[j];
    return is;
  }

  const double* F_;
  std::size_t size_ = 0;
  bool all_;
  double low_[m], high_[m];
  std::vector<std::size_t> rows_;
};

template <std::size_t m>
Scale scale_of(const double* ref, const RowsBelow<m>& a, const RowsBelow<m>& b) {
  double low[m];
  for (std::size_t j = 0; j < m; ++j) low[j] = std::min(a.low()[j], b.low()[j]);
  if (Scale::suffices(m, ref, low)) return {m, ref, low};
  std::vector<std::size_t> in_a, in_b;
  return {m, ref, {a.numbered(in_a), b.numbered(in_b)}};
}

}  // namespace lamoo
