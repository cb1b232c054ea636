#include "dominance.hpp"

#include <algorithm>
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

// Any m: all rows, block by block.
class Scan {
 public:
  explicit Scan(std::size_t m) : rows_(m) {}
  bool covers(const double* x) const { return rows_.covers(x); }
  void insert(const double* x) { rows_.push_back(x); }

 private:
  RowBlocks rows_;
};

// Calls visit(first, last) for each run of equal rows.
template <class Visit>
void for_each_distinct(const std::vector<KeyedRow>& rows, const double* F, std::size_t m,
                       Visit visit) {
  for (std::size_t i = 0; i < rows.size();) {
    const double* x = F + rows[i].row * m;
    std::size_t j = i + 1;
    while (j < rows.size() && std::equal(x, x + m, F + rows[j].row * m)) ++j;
    visit(rows.begin() + static_cast<std::ptrdiff_t>(i),
          rows.begin() + static_cast<std::ptrdiff_t>(j));
    i = j;
  }
}

template <class Front>
void mark_front(const std::vector<KeyedRow>& rows, const double* F, std::size_t m,
                bool keep_weakly, std::uint8_t* out) {
  Front front(m);
  for_each_distinct(rows, F, m, [&](auto first, auto last) {
    const double* x = F + first->row * m;
    const bool kept = !front.covers(x);
    if (kept) front.insert(x);
    for (auto it = first; it != last; ++it) out[it->row] = kept && (keep_weakly || it == first);
  });
}

// Efficient non-dominated sort by binary search (Zhang, Tian, Cheng, Jin 2015): a row that some
// front covers is covered by all fronts before it.
template <class Front>
void rank_rows(const std::vector<KeyedRow>& rows, const double* F, std::size_t m,
               std::int64_t* out) {
  std::vector<Front> fronts;
  for_each_distinct(rows, F, m, [&](auto first, auto last) {
    const double* x = F + first->row * m;
    auto home = std::partition_point(fronts.begin(), fronts.end(),
                                     [x](const Front& front) { return front.covers(x); });
    if (home == fronts.end()) home = fronts.insert(home, Front(m));
    home->insert(x);
    for (auto it = first; it != last; ++it) out[it->row] = home - fronts.begin();
  });
}

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

// ---- counts ----

// How many of the numbers added so far are <= a given one, for numbers 0 .. n-1 (Fenwick tree).
class PrefixCounts {
 public:
  explicit PrefixCounts(std::size_t n) : tree_(n + 1, 0) {}

  void add(std::size_t i) {
    for (++i; i < tree_.size(); i += i & (~i + 1)) ++tree_[i];
  }

  std::int64_t at_most(std::size_t i) const {
    std::int64_t count = 0;
    for (++i; i > 0; i -= i & (~i + 1)) count += tree_[i];
    return count;
  }

 private:
  std::vector<std::int64_t> tree_;
};

// Dense ranks of column j for the rows in the given order: equal numbers share one.
template <class Rank, class Store>
void rank_column(const std::vector<KeyedRow>& rows, const double* F, std::size_t m, std::size_t j,
                 Store store) {
  std::vector<KeyedRow> column(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) column[i] = {order_key(F[rows[i].row * m + j]), i};
  std::sort(column.begin(), column.end(),
            [](const KeyedRow& a, const KeyedRow& b) { return a.key < b.key; });
  Rank rank = 0;
  for (std::size_t i = 0; i < column.size(); ++i) {
    if (i > 0 && column[i].key != column[i - 1].key) ++rank;
    store(column[i].row, rank);
  }
}

// m <= 2: of the rows before one in lexicographic order, those that are no larger in the last
// objective dominate it.
void count_by_sweep(const std::vector<KeyedRow>& rows, const double* F, std::size_t m,
                    std::int64_t* out) {
  std::vector<std::size_t> last_rank(rows.size());
  rank_column<std::size_t>(rows, F, m, m - 1,
                           [&](std::size_t i, std::size_t rank) { last_rank[i] = rank; });
  PrefixCounts seen(rows.size());
  for_each_distinct(rows, F, m, [&](auto first, auto last) {
    const std::size_t rank = last_rank[static_cast<std::size_t>(first - rows.begin())];
    const std::int64_t count = seen.at_most(rank);
    for (auto it = first; it != last; ++it) {
      out[it->row] = count;
      seen.add(rank);
    }
  });
}

// m >= 3: each row against the rows before it in lexicographic order. Objectives are replaced by
// their ranks in as few bits as hold them: the comparisons stay the same and more of them fit into
// a SIMD register. The first objective is settled by the order.
template <class Rank>
class PairCount {
 public:
  PairCount(const std::vector<KeyedRow>& rows, const double* F, std::size_t m)
      : columns_(m - 1), before_(rows.size()), blocks_(blocks(rows.size()) * lanes * columns_) {
    for (std::size_t j = 0; j < columns_; ++j)
      rank_column<Rank>(rows, F, m, j + 1, [&](std::size_t i, Rank rank) { at(i, j) = rank; });
    for_each_distinct(rows, F, m, [&](auto first, auto last) {
      const auto begin = first - rows.begin();
      std::fill(before_.begin() + begin, before_.begin() + (last - rows.begin()),
                static_cast<std::size_t>(begin));
    });
  }

  // counts[i - low] = number of rows that dominate row i, for low <= i < high, in sorted order.
  void count(std::size_t low, std::size_t high, std::int64_t* counts) const {
    std::vector<Rank> x((high - low) * columns_);
    for (std::size_t i = low; i < high; ++i)
      for (std::size_t j = 0; j < columns_; ++j) x[(i - low) * columns_ + j] = at(i, j);

    // A block stays in the cache for all rows that come after it.
    std::fill(counts, counts + (high - low), 0);
    std::size_t i = low;
    for (std::size_t block = 0;; ++block) {
      while (i < high && before_[i] < (block + 1) * lanes) ++i;
      if (i == high) break;
      for (std::size_t k = i - low; k < high - low; ++k)
        counts[k] += count_block(block, &x[k * columns_]);
    }
    // What is left are the rows before i in the block that i is in.
    for (i = low; i < high; ++i)
      for (std::size_t other = before_[i] / lanes * lanes; other < before_[i]; ++other) {
        std::size_t j = 0;
        while (j < columns_ && at(other, j) <= at(i, j)) ++j;
        counts[i - low] += j == columns_;
      }
  }

 private:
  static constexpr std::size_t lanes = 64 / sizeof(Rank);

  static std::size_t blocks(std::size_t n) { return (n + lanes - 1) / lanes; }
  Rank& at(std::size_t i, std::size_t j) { return blocks_[index(i, j)]; }
  Rank at(std::size_t i, std::size_t j) const { return blocks_[index(i, j)]; }
  std::size_t index(std::size_t i, std::size_t j) const {
    return (i / lanes * columns_ + j) * lanes + i % lanes;
  }

  // Number of rows of a block that are <= x in all columns.
  std::int64_t count_block(std::size_t block, const Rank* x) const {
    const Rank* column = blocks_.data() + block * lanes * columns_;
    Rank hit[lanes];
    for (std::size_t l = 0; l < lanes; ++l) hit[l] = column[l] <= x[0];
    for (std::size_t j = 1; j < columns_; ++j) {
      column += lanes;
      Rank any = 0;
      for (std::size_t l = 0; l < lanes; ++l) {
        hit[l] = static_cast<Rank>(hit[l] & (column[l] <= x[j]));
        any = static_cast<Rank>(any | hit[l]);
      }
      if (any == 0) return 0;
    }
    Rank count = 0;
    for (std::size_t l = 0; l < lanes; ++l) count = static_cast<Rank>(count + hit[l]);
    return count;
  }

  std::size_t columns_;
  std::vector<std::size_t> before_;  // rows before and not equal to row i
  std::vector<Rank> blocks_;         // block by block, in a block column by column
};

template <class Rank>
void count_by_pairs(const std::vector<KeyedRow>& rows, const double* F, std::size_t m,
                    int n_threads, std::int64_t* out) {
  constexpr std::size_t chunk = 256;
  constexpr double few_comparisons = 1e7;  // about the time it takes to start a thread, times ten
  const auto n = static_cast<double>(rows.size());
  if (n * n * static_cast<double>(m) < few_comparisons) n_threads = 1;

  const PairCount<Rank> pairs(rows, F, m);
  parallel_for((rows.size() + chunk - 1) / chunk, n_threads, [&] {
    return [&](std::size_t i) {
      const std::size_t low = i * chunk, high = std::min(rows.size(), low + chunk);
      std::int64_t counts[chunk];
      pairs.count(low, high, counts);
      for (std::size_t k = low; k < high; ++k) out[rows[k].row] = counts[k - low];
    };
  });
}

}  // namespace

void is_nondominated(const double* F, std::size_t n, std::size_t m, bool keep_weakly,
                     std::uint8_t* out) {
  if (m <= 2)
    mark_front<LastRow>(lexicographic_rows(F, n, m), F, m, keep_weakly, out);
  else if (m == 3)
    mark_front<Staircase>(lexicographic_rows(F, n, m), F, m, keep_weakly, out);
  else
    mark_front<Scan>(rows_by_sum(F, n, m), F, m, keep_weakly, out);
}

void pareto_rank(const double* F, std::size_t n, std::size_t m, std::int64_t* out) {
  const std::vector<KeyedRow> rows = lexicographic_rows(F, n, m);
  if (m <= 2)
    rank_rows<LastRow>(rows, F, m, out);
  else if (m == 3)
    rank_rows<Staircase>(rows, F, m, out);
  else
    rank_rows<Scan>(rows, F, m, out);
}

void dominance_count(const double* F, std::size_t n, std::size_t m, int n_threads,
                     std::int64_t* out) {
  const std::vector<KeyedRow> rows = lexicographic_rows(F, n, m);
  if (m <= 2)
    count_by_sweep(rows, F, m, out);
  else if (n <= 32768)
    count_by_pairs<std::int16_t>(rows, F, m, n_threads, out);
  else
    count_by_pairs<std::int32_t>(rows, F, m, n_threads, out);
}

}  // namespace lamoo
