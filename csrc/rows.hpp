// What the dominance kernels and the archive share: sorting rows, and testing a row against many.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <type_traits>
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
// by SIMD instructions.
template <class T>
class RowBlocks {
 public:
  static constexpr std::size_t lanes = 64 / sizeof(T);

  explicit RowBlocks(std::size_t m) : m_(m) {}

  std::size_t size() const { return size_; }
  T at(std::size_t i, std::size_t j) const { return data_[index(i, j)]; }

  // After this, size() may grow to n without a throw.
  void reserve(std::size_t n) {
    const std::size_t needed = (n + lanes - 1) / lanes * lanes * m_;
    if (needed > data_.capacity()) data_.reserve(std::max(needed, 2 * data_.capacity()));
  }

  void push_back(const T* x) {
    if (size_ % lanes == 0) data_.resize(data_.size() + lanes * m_, unused);
    for (std::size_t j = 0; j < m_; ++j) data_[index(size_, j)] = x[j];
    ++size_;
  }

  // Is some row <= x in every column?
  bool covers(const T* x) const {
    for (std::size_t block = 0; block * lanes < size_; ++block)
      if (any(hits(block, x, std::less_equal<T>()))) return true;
    return false;
  }

  // How many rows of one block are <= x in every column?
  std::int64_t count_covering(std::size_t block, const T* x) const {
    const Hits hit = hits(block, x, std::less_equal<T>());
    Lane count = 0;
    for (std::size_t l = 0; l < lanes; ++l) count = static_cast<Lane>(count + hit.lane[l]);
    return count;
  }

  // Remove every row that is >= x in every column. Rows may change places.
  void remove_covered_by(const T* x) {
    // From the back: the row that fills a gap has then been looked at before.
    for (std::size_t block = (size_ + lanes - 1) / lanes; block-- > 0;) {
      const Hits hit = hits(block, x, std::greater_equal<T>());
      if (!any(hit)) continue;
      for (std::size_t lane = std::min(lanes, size_ - block * lanes); lane-- > 0;)
        if (hit.lane[lane] != 0) remove(block * lanes + lane);
    }
  }

 private:
  // As wide as T, so that as many fit into a register.
  using Lane = std::conditional_t<std::is_integral_v<T>, T, std::int64_t>;
  struct Hits {
    Lane lane[lanes];
  };

  // Of lanes without a row. Not <= any number; integer rows stay below the largest one.
  static constexpr T unused = std::numeric_limits<T>::has_quiet_NaN
                                  ? std::numeric_limits<T>::quiet_NaN()
                                  : std::numeric_limits<T>::max();

  std::size_t index(std::size_t i, std::size_t j) const {
    return (i / lanes * m_ + j) * lanes + i % lanes;
  }

  static bool any(const Hits& hit) {
    Lane all = 0;
    for (std::size_t l = 0; l < lanes; ++l) all = static_cast<Lane>(all | hit.lane[l]);
    return all != 0;
  }

  // 1 in the lanes in which compare(row[j], x[j]) holds for every column j, else 0.
  template <class Compare>
  Hits hits(std::size_t block, const T* x, Compare compare) const {
    const T* column = data_.data() + block * lanes * m_;
    Hits hit;
    for (std::size_t l = 0; l < lanes; ++l) hit.lane[l] = compare(column[l], x[0]);
    for (std::size_t j = 1; j < m_; ++j) {
      column += lanes;
      for (std::size_t l = 0; l < lanes; ++l)
        hit.lane[l] = static_cast<Lane>(hit.lane[l] & Lane{compare(column[l], x[j])});
      if (!any(hit)) break;
    }
    return hit;
  }

  void remove(std::size_t i) {
    --size_;
    for (std::size_t j = 0; j < m_; ++j) {
      data_[index(i, j)] = data_[index(size_, j)];
      data_[index(size_, j)] = unused;
    }
    if (size_ % lanes == 0) data_.resize(data_.size() - lanes * m_);
  }

  std::size_t m_;
  std::size_t size_ = 0;
  std::vector<T> data_;
};

}  // namespace lamoo
