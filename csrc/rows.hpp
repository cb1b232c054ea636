// What the dominance kernels and the archive share: sorting rows, and testing a row against many.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

namespace lamoo {

// A number that sorts as x does. A total order even with NaN in it, which std::sort needs to stay
// inside its range; -0.0 and 0.0 share a key.
inline std::uint64_t order_key(double x) {
  const double y = x + 0.0;
  std::uint64_t bits;
  std::memcpy(&bits, &y, sizeof bits);
  constexpr std::uint64_t sign = std::uint64_t{1} << 63;
  return (bits & sign) != 0 ? ~bits : bits | sign;
}

struct KeyedRow {
  std::uint64_t key;
  std::size_t row;
};

// Sort by key, then by the objectives from the first to the last, then by row number.
inline void sort_rows(std::vector<KeyedRow>& rows, const double* F, std::size_t m) {
  std::sort(rows.begin(), rows.end(), [F, m](const KeyedRow& a, const KeyedRow& b) {
    if (a.key != b.key) return a.key < b.key;
    const double* x = F + a.row * m;
    const double* y = F + b.row * m;
    for (std::size_t j = 0; j < m; ++j) {
      const std::uint64_t kx = order_key(x[j]), ky = order_key(y[j]);
      if (kx != ky) return kx < ky;
    }
    return a.row < b.row;
  });
}

// The rows of F in lexicographic order, equal rows in input order. A row is dominated only by rows
// before it.
inline std::vector<KeyedRow> lexicographic_rows(const double* F, std::size_t n, std::size_t m) {
  std::vector<KeyedRow> rows(n);
  for (std::size_t i = 0; i < n; ++i) rows[i] = {order_key(F[i * m]), i};
  sort_rows(rows, F, m);
  return rows;
}

// Rows kept in blocks, each block column by column, so that one row is compared with a whole block
// by SIMD instructions. Unused lanes hold NaN, which compares false with everything.
class RowBlocks {
 public:
  static constexpr std::size_t lanes = 8;

  explicit RowBlocks(std::size_t m) : m_(m) {}

  std::size_t size() const { return size_; }
  double at(std::size_t i, std::size_t j) const { return data_[index(i, j)]; }

  // After this, size() may grow to n without a throw.
  void reserve(std::size_t n) {
    const std::size_t needed = (n + lanes - 1) / lanes * lanes * m_;
    if (needed > data_.capacity()) data_.reserve(std::max(needed, 2 * data_.capacity()));
  }

  void push_back(const double* x) {
    if (size_ % lanes == 0)
      data_.resize(data_.size() + lanes * m_, std::numeric_limits<double>::quiet_NaN());
    for (std::size_t j = 0; j < m_; ++j) data_[index(size_, j)] = x[j];
    ++size_;
  }

  // Is some row <= x in every column?
  bool covers(const double* x) const {
    for (std::size_t block = 0; block < data_.size(); block += lanes * m_)
      if (any(hits(block, x, [](double row, double y) { return row <= y; }))) return true;
    return false;
  }

  // Remove every row that is >= x in every column. Rows may change places.
  void remove_covered_by(const double* x) {
    // From the back: the row that fills a gap has then been looked at before.
    for (std::size_t block = data_.size(); block > 0;) {
      block -= lanes * m_;
      const Hits hit = hits(block, x, [](double row, double y) { return row >= y; });
      if (!any(hit)) continue;
      for (std::size_t lane = lanes; lane-- > 0;)
        if (hit.lane[lane] != 0) remove(block / m_ + lane);
    }
  }

 private:
  struct Hits {
    std::int64_t lane[lanes];
  };

  std::size_t index(std::size_t i, std::size_t j) const {
    return i / lanes * lanes * m_ + j * lanes + i % lanes;
  }

  static bool any(const Hits& hits) {
    std::int64_t all = 0;
    for (std::size_t l = 0; l < lanes; ++l) all |= hits.lane[l];
    return all != 0;
  }

  // The lanes of a block in which compare(row[j], x[j]) holds for every column j.
  template <class Compare>
  Hits hits(std::size_t block, const double* x, Compare compare) const {
    const double* column = data_.data() + block;
    Hits hit;
    for (std::size_t l = 0; l < lanes; ++l) hit.lane[l] = -std::int64_t{compare(column[l], x[0])};
    for (std::size_t j = 1; j < m_; ++j) {
      column += lanes;
      for (std::size_t l = 0; l < lanes; ++l) hit.lane[l] &= -std::int64_t{compare(column[l], x[j])};
      if (!any(hit)) break;
    }
    return hit;
  }

  void remove(std::size_t i) {
    --size_;
    for (std::size_t j = 0; j < m_; ++j) {
      data_[index(i, j)] = data_[index(size_, j)];
      data_[index(size_, j)] = std::numeric_limits<double>::quiet_NaN();
    }
    if (size_ % lanes == 0) data_.resize(data_.size() - lanes * m_);
  }

  std::size_t m_;
  std::size_t size_ = 0;
  std::vector<double> data_;
};

}  // namespace lamoo
