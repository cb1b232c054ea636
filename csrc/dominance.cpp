#include "dominance.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <limits>
#include <map>
#include <vector>

#include "parallel.hpp"
#include "rows.hpp"

namespace lamoo {
namespace {

// ---- fronts: rows that do not dominate each other ----
//
// Rows come in an order in which no row is dominated by a later one, equal rows once.
//   covers(x): is some row of the front <= x everywhere, that is, does one dominate x?
//   insert(x): x joins; the front does not cover it.

// m <= 2, rows in lexicographic order: the last row has the least last objective.
class LastRow {
 public:
  explicit LastRow(std::size_t m) : last_(m - 1) {}
  bool covers(const double* x) const { return least_ <= x[last_]; }
  void insert(const double* x) { least_ = x[last_]; }

 private:
  std::size_t last_;
  double least_ = std::numeric_limits<double>::infinity();
};

// m = 3, rows in lexicographic order: the first objective is settled, and of the other two the
// front's own front is kept, a staircase: y strictly up, z strictly down.
class Staircase {
 public:
  explicit Staircase(std::size_t) {}

  bool covers(const double* x) const {
    const auto above = z_at_.upper_bound(order_key(x[1]));
    return above != z_at_.begin() && std::prev(above)->second <= order_key(x[2]);
  }

  void insert(const double* x) {
    const std::uint64_t z = order_key(x[2]);
    auto step = z_at_.insert_or_assign(order_key(x[1]), z).first;
    for (++step; step != z_at_.end() && step->second >= z;) step = z_at_.erase(step);
  }

 private:
  std::map<std::uint64_t, std::uint64_t> z_at_;
};

// Any m, any such order: all rows, block by block. T: see Ranked.
template <class T>
class Scan {
 public:
  explicit Scan(std::size_t m) : rows_(m) {}
  bool covers(const T* x) const { return rows_.covers(x); }
  void insert(const T* x) { rows_.push_back(x); }
  std::size_t size() const { return rows_.size(); }

 private:
  RowBlocks<T> rows_;
};

// Calls visit(first, last) for each run of equal rows.
template <class Visit>
void for_each_distinct(const std::vector<KeyedRow>& rows, const double* F, std::size_t m,
                       Visit visit) {
  for (auto first = rows.begin(); first != rows.end();) {
    const double* x = F + first->row * m;
    const auto last = std::find_if(first + 1, rows.end(), [=](const KeyedRow& other) {
      return !std::equal(x, x + m, F + other.row * m);
    });
    visit(first, last);
    first = last;
  }
}

// What a front sees of row i of F: the `width` numbers from data + i * width.
template <class T>
struct View {
  const T* data;
  std::size_t width;
  const T* operator[](std::size_t i) const { return data + i * width; }
};

template <class Front, class T>
void mark_front(const std::vector<KeyedRow>& rows, const double* F, std::size_t m, View<T> view,
                bool keep_weakly, std::uint8_t* out) {
  Front front(view.width);
  for_each_distinct(rows, F, m, [&](auto first, auto last) {
    const T* x = view[first->row];
    const bool kept = !front.covers(x);
    if (kept) front.insert(x);
    for (auto it = first; it != last; ++it) out[it->row] = kept && (keep_weakly || it == first);
  });
}

// Efficient non-dominated sort by binary search (Zhang, Tian, Cheng, Jin 2015): a row that some
// front covers is covered by all fronts before it.
template <class Front, class T>
void rank_fronts(const std::vector<KeyedRow>& rows, const double* F, std::size_t m, View<T> view,
                 std::int64_t* out) {
  std::vector<Front> fronts;
  for_each_distinct(rows, F, m, [&](auto first, auto last) {
    const T* x = view[first->row];
    auto home = std::partition_point(fronts.begin(), fronts.end(),
                                     [x](const Front& front) { return front.covers(x); });
    if (home == fronts.end()) home = fronts.insert(home, Front(view.width));
    home->insert(x);
    for (auto it = first; it != last; ++it) out[it->row] = home - fronts.begin();
  });
}

// ---- ranks instead of numbers ----

// Calls store(row, rank) with the dense rank of each row in objective j: equal numbers share one.
template <class Store>
void rank_objective(const std::vector<KeyedRow>& rows, const double* F, std::size_t m,
                    std::size_t j, Store store) {
  std::vector<KeyedRow> column(rows.size());
  std::transform(rows.begin(), rows.end(), column.begin(), [=](const KeyedRow& row) {
    return KeyedRow{order_key(F[row.row * m + j]), row.row};
  });
  std::sort(column.begin(), column.end(),
            [](const KeyedRow& a, const KeyedRow& b) { return a.key < b.key; });
  std::size_t rank = 0;
  for (std::size_t i = 0; i < column.size(); ++i) {
    if (i > 0 && column[i].key != column[i - 1].key) ++rank;
    store(column[i].row, rank);
  }
}

// The ranks of the given rows in objectives first .. m-1, in as few bits as hold them: they compare
// as the numbers do, and more of them fit into a SIMD register.
template <class Rank>
class Ranked {
 public:
  Ranked(const std::vector<KeyedRow>& rows, const double* F, std::size_t n, std::size_t m,
         std::size_t first)
      : width_(m - first), ranks_(n * width_) {
    for (std::size_t j = 0; j < width_; ++j)
      rank_objective(rows, F, m, first + j, [&](std::size_t row, std::size_t rank) {
        ranks_[row * width_ + j] = static_cast<Rank>(rank);
      });
  }

  View<Rank> view() const { return {ranks_.data(), width_}; }

 private:
  std::size_t width_;
  std::vector<Rank> ranks_;
};

// Calls body with a number of the type that holds the ranks of n rows.
template <class Body>
void with_rank_type(std::size_t n, Body body) {
  if (n <= static_cast<std::size_t>(std::numeric_limits<std::int16_t>::max()))
    body(std::int16_t{});
  else
    body(std::int32_t{});
}

// ---- the front for m >= 4 ----

// Rows by the sum of their objectives, then lexicographically. Rounding is monotone, so a row that
// dominates another has no larger sum; rows early in this order dominate most.
std::vector<KeyedRow> rows_by_sum(const double* F, std::size_t n, std::size_t m) {
  std::vector<KeyedRow> rows(n);
  for (std::size_t i = 0; i < n; ++i) {
    double sum = 0.0;
    for (std::size_t j = 0; j < m; ++j) sum += F[i * m + j];
    rows[i] = {order_key(sum), i};
  }
  sort_rows(rows, F, m);
  return rows;
}

// The first rows of the front by the sum dominate most of the rest where there is little conflict.
// What they leave is worth ranking.
void mark_front_by_sum(const double* F, std::size_t n, std::size_t m, bool keep_weakly,
                       std::uint8_t* out) {
  constexpr std::size_t few = 64;
  const std::vector<KeyedRow> rows = rows_by_sum(F, n, m);
  std::vector<KeyedRow> left;
  Scan<double> best(m);
  for_each_distinct(rows, F, m, [&](auto first, auto last) {
    const double* x = F + first->row * m;
    const bool covered = best.covers(x);
    if (!covered && best.size() == few) {
      left.insert(left.end(), first, last);
      return;
    }
    if (!covered) best.insert(x);
    for (auto it = first; it != last; ++it)
      out[it->row] = !covered && (keep_weakly || it == first);
  });
  with_rank_type(left.size(), [&](auto rank) {
    const Ranked<decltype(rank)> ranked(left, F, n, m, 0);
    mark_front<Scan<decltype(rank)>>(left, F, m, ranked.view(), keep_weakly, out);
  });
}

}  // namespace

void is_nondominated(const double* F, std::size_t n, std::size_t m, bool keep_weakly,
                     std::uint8_t* out) {
  const View<double> view{F, m};
  if (m <= 2)
    mark_front<LastRow>(lexicographic_rows(F, n, m), F, m, view, keep_weakly, out);
  else if (m == 3)
    mark_front<Staircase>(lexicographic_rows(F, n, m), F, m, view, keep_weakly, out);
  else
    mark_front_by_sum(F, n, m, keep_weakly, out);
}

void pareto_rank(const double* F, std::size_t n, std::size_t m, std::int64_t* out) {
  const View<double> view{F, m};
  const std::vector<KeyedRow> rows = lexicographic_rows(F, n, m);
  if (m <= 2)
    rank_fronts<LastRow>(rows, F, m, view, out);
  else if (m == 3)
    rank_fronts<Staircase>(rows, F, m, view, out);
  else
    with_rank_type(n, [&](auto rank) {
      const Ranked<decltype(rank)> ranked(rows, F, n, m, 1);
      rank_fronts<Scan<decltype(rank)>>(rows, F, m, ranked.view(), out);
    });
}

}  // namespace lamoo
