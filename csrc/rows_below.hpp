// The rows of F (n, m) that count, and the units to compare them in.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>
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

  // Without most rows that others dominate, if they are many: those that one good row is below of in
  // every objective.
  void leave_out_dominated() {
    if (size_ < least_size) return;
    double weight[m];
    for (std::size_t j = 0; j < m; ++j) weight[j] = 1.0 / (high_[j] - low_[j]);
    const double* best = (*this)[0];
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < size_; i += size_ / looked_at) {
      double sum = 0.0;
      for (std::size_t j = 0; j < m; ++j) sum += ((*this)[i][j] - low_[j]) * weight[j];
      if (sum >= least) continue;
      least = sum;
      best = (*this)[i];
    }
    std::size_t count = 0;
    for (std::size_t i = 0; i < size_; ++i) count += below(best, (*this)[i]) ? 1 : 0;
    if (4 * count < size_) return;
    std::vector<std::size_t> kept;
    kept.reserve(size_ - count);
    for (std::size_t i = 0; i < size_; ++i)
      if (!below(best, (*this)[i])) kept.push_back(row(i));
    size_ = kept.size();
    rows_ = std::move(kept);
    all_ = false;
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

  static constexpr std::size_t least_size = 256, looked_at = 128;

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
