// The rows that count, in units in which no product of widths overflows.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <initializer_list>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

namespace lamoo {

inline bool below(const double* x, const double* ref, std::size_t m) {
  for (std::size_t j = 0; j < m; ++j)
    if (!(x[j] < ref[j])) return false;
  return true;
}

// The rows that count, by number.
inline std::vector<std::size_t> rows_below(const double* F, std::size_t n, std::size_t m, const double* ref) {
  std::vector<std::size_t> rows;
  rows.reserve(n);
  for (std::size_t i = 0; i < n; ++i)
    if (below(F + i * m, ref, m)) rows.push_back(i);
  return rows;
}

// Rows of an array by number.
struct Rows {
  const double* F;
  const std::vector<std::size_t>& numbers;
};

// Binary exponent of the width ref - x, which may be beyond the largest number.
inline int width_exponent(double ref, double x) {
  int e = 0;
  const double width = ref - x;
  if (std::isfinite(width)) {
    std::frexp(width, &e);
    return e;
  }
  std::frexp(0.5 * ref - 0.5 * x, &e);
  return e + 1;
}

// One number for each objective; beyond 16 objectives with memory from the heap.
template <class T>
class PerObjective {
 public:
  explicit PerObjective(std::size_t m) : size_(m), many_(m > room ? m : 0) {}

  std::size_t size() const { return size_; }
  T* begin() { return size_ > room ? many_.data() : few_; }
  T* end() { return begin() + size_; }
  const T* begin() const { return size_ > room ? many_.data() : few_; }
  const T* end() const { return begin() + size_; }
  T& operator[](std::size_t j) { return begin()[j]; }
  const T& operator[](std::size_t j) const { return begin()[j]; }

 private:
  static constexpr std::size_t room = 16;

  std::size_t size_;
  T few_[room] = {};
  std::vector<T> many_;
};

// Powers of two, one for each objective, that bring the widths to where products of many of them
// neither overflow nor underflow on the way. They change no digit of a result, unless an objective
// spans some hundred orders of magnitude and the product of the spans overflows by as much.
class Scale {
 public:
  Scale(std::size_t m, const double* ref, std::initializer_list<Rows> sets)
      : m_(m), ref_(ref), factors_(m) {
    const PerObjective<int> span = span_of(sets);
    PerObjective<int> shifts = shifts_for(span, span);
    // Where no box is wide in many objectives, the spans say nothing of the volumes.
    if (std::accumulate(span.begin(), span.end(), 0) > 2 * most) {
      PerObjective<int> other = shifts_for(largest_box_of(sets), span);
      if (never_overflows(other, sets)) shifts = std::move(other);
    }
    set_factors(shifts);
  }

  // From the least value of each objective alone, where suffices().
  Scale(std::size_t m, const double* ref, const double* lowest) : m_(m), ref_(ref), factors_(m) {
    const PerObjective<int> span = spans(lowest);
    set_factors(shifts_for(span, span));
  }
  static bool suffices(std::size_t m, const double* ref, const double* lowest) {
    int sum = 0;
    for (std::size_t j = 0; j < m; ++j) sum += width_exponent(ref[j], lowest[j]);
    return sum <= 2 * most;
  }

  double down(double x, std::size_t j) const { return x * factors_[j].first * factors_[j].second; }
  double up(double volume) const { return std::ldexp(volume, exponent_); }

  std::vector<double> ref() const {
    std::vector<double> scaled(m_);
    for (std::size_t j = 0; j < m_; ++j) scaled[j] = down(ref_[j], j);
    return scaled;
  }

 private:
  // Two: one alone can be out of range.
  struct Factors {
    double first, second;
  };

  // The exponent of the product of all spans, scaled. A coordinate has at most 2^54 times its span.
  static constexpr int most = 900;

  PerObjective<int> span_of(std::initializer_list<Rows> sets) const {
    PerObjective<double> lowest(m_);
    std::copy_n(ref_, m_, lowest.begin());
    for (const auto& [F, numbers] : sets)
      for (const std::size_t row : numbers)
        for (std::size_t j = 0; j < m_; ++j) lowest[j] = std::min(lowest[j], F[row * m_ + j]);
    return spans(lowest.begin());
  }

  PerObjective<int> spans(const double* lowest) const {
    PerObjective<int> exponents(m_);
    for (std::size_t j = 0; j < m_; ++j) exponents[j] = width_exponent(ref_[j], lowest[j]);
    return exponents;
  }

  void set_factors(const PerObjective<int>& shifts) {
    for (std::size_t j = 0; j < m_; ++j) {
      exponent_ -= shifts[j];
      const int half = shifts[j] / 2;
      factors_[j] = {std::ldexp(1.0, half), std::ldexp(1.0, shifts[j] - half)};
    }
  }

  // Calls visit(exponents of the widths) for each box.
  template <class Visit>
  void for_each_box(std::initializer_list<Rows> sets, Visit visit) const {
    PerObjective<int> box(m_);
    for (const auto& [F, numbers] : sets)
      for (const std::size_t row : numbers) {
        for (std::size_t j = 0; j < m_; ++j) box[j] = width_exponent(ref_[j], F[row * m_ + j]);
        visit(box);
      }
  }

  PerObjective<int> largest_box_of(std::initializer_list<Rows> sets) const {
    PerObjective<int> best(m_);
    int largest = std::numeric_limits<int>::min();
    for_each_box(sets, [&](const PerObjective<int>& box) {
      const int size = std::accumulate(box.begin(), box.end(), 0);
      if (size <= largest) return;
      largest = size;
      best = box;
    });
    return best;
  }

  // Every product on the way is one of widths inside some box.
  bool never_overflows(const PerObjective<int>& shifts, std::initializer_list<Rows> sets) const {
    bool fits = true;
    for_each_box(sets, [&](const PerObjective<int>& box) {
      int up = 0;
      for (std::size_t j = 0; j < m_; ++j) up += std::max(box[j] + shifts[j], 0);
      fits = fits && up < std::numeric_limits<double>::max_exponent;
    });
    return fits;
  }

  // Shifts that bring a box with these widths to 2^most, but no coordinate out of range.
  static PerObjective<int> shifts_for(const PerObjective<int>& widths, const PerObjective<int>& span) {
    const int excess = excess_of(widths);
    PerObjective<int> shifts(widths.size());
    for (std::size_t j = 0; j < widths.size(); ++j)
      shifts[j] = std::min(std::max(widths[j] - excess, 0) - widths[j], std::max(most - span[j], 0));
    return shifts;
  }

  // The least number which, taken off all exponents that stay positive, leaves at most `most`.
  static int excess_of(const PerObjective<int>& exponents) {
    int excess = *std::min_element(exponents.begin(), exponents.end()) - most;
    for (;;) {
      int left = -most, count = 0;
      for (const int e : exponents)
        if (e > excess) {
          left += e - excess;
          ++count;
        }
      if (left <= 0) return excess;
      excess += (left + count - 1) / count;  // never too much: each step takes at most count
    }
  }

  std::size_t m_;
  const double* ref_;
  PerObjective<Factors> factors_;
  int exponent_ = 0;
};

// Objective j of row i, scaled, at j * rows.size() + i.
inline std::vector<double> columns_of(const double* F, const std::vector<std::size_t>& rows, std::size_t m,
                               const Scale& scale) {
  const std::size_t n = rows.size();
  std::vector<double> columns(m * n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < m; ++j) columns[j * n + i] = scale.down(F[rows[i] * m + j], j);
  return columns;
}

}  // namespace lamoo
