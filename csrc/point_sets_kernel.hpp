// Any number of points with the tables of their order. (A part of volumes_kernel.hpp.)

namespace lamoo {
namespace LAMOO_LEVEL {

// In whole Fours.
inline size_t words_for(size_t count) { return (count + 4 * word_bits - 1) / (4 * word_bits) * 4; }

// n points in d objectives. Built once, then shared by threads.
class PointSets {
 public:
  // max_bytes: the most memory for the sets; above it, cells are index lists.
  explicit PointSets(size_t max_bytes = table_bytes) : max_bytes_(max_bytes) {}

  // Objective j of point i is columns[j * n + i]; the memory stays with the caller.
  void assign(const double* columns, size_t n, size_t d);
  // The points that no point before them dominates or equals. has_sets() only.
  std::vector<size_t> without_covered() const;

  size_t size() const { return n_; }
  size_t objectives() const { return d_; }
  const double* column(size_t j) const { return columns_ + j * n_; }

  // Which of the three sizes this is.
  bool is_word() const { return n_ <= word_bits; }
  bool has_sets() const { return has_sets_; }
  bool sets_fit(size_t n) const {
    const size_t max_words = max_bytes_ / sizeof(uint64_t) / d_;
    return n <= word_bits || (n < max_words && (n + 1) * words_for(n) <= max_words);
  }
  size_t max_bytes() const { return max_bytes_; }

  const Table<1>& word() const { return word_; }

  // The points in ascending order of objective j, and the place of each in it.
  const uint32_t* order(size_t j) const { return orders_.data() + j * n_; }
  const uint32_t* rank(size_t j) const { return ranks_.data() + j * n_; }
  // The points strictly below point p, and those at or below it, as sets of words() words.
  const uint64_t* below(size_t j, size_t p) const { return lowest(j, below_[j * n_ + p]); }
  const uint64_t* up_to(size_t j, size_t p) const { return lowest(j, up_to_[j * n_ + p]); }
  const uint64_t* up_to(size_t j, double value) const;
  size_t words() const { return words_; }

 private:
  // The r points that are lowest in objective j.
  const uint64_t* lowest(size_t j, size_t r) const {
    return sets_.data() + (j * (n_ + 1) + r) * words_;
  }

#if LAMOO_AVX2
  static constexpr size_t most_to_compare = word_bits;
#else
  static constexpr size_t most_to_compare = 12;
#endif

  size_t max_bytes_;
  const double* columns_ = nullptr;
  size_t n_ = 0, d_ = 0, words_ = 0;
  bool has_sets_ = false;
  Table<1> word_;
  std::vector<uint64_t> sets_;
  std::vector<uint32_t> orders_, ranks_;
  std::vector<uint32_t> below_, up_to_;  // how many
};

// Numbers of points in ascending order of a column, equal ones in their order.
inline void sort_column(const double* x, size_t n, uint32_t* order) {
  struct Entry {
    double x;
    uint32_t point;
  };
  const auto sort = [=](Entry* entries) {
    for (size_t p = 0; p < n; ++p) entries[p] = {x[p], static_cast<uint32_t>(p)};
    std::sort(entries, entries + n, [](const Entry& a, const Entry& b) {
      return a.x < b.x || (a.x == b.x && a.point < b.point);
    });
    for (size_t r = 0; r < n; ++r) order[r] = entries[r].point;
  };
  if (n <= word_bits) {
    Entry few[word_bits];
    sort(few);
  } else {
    std::vector<Entry> many(n);
    sort(many.data());
  }
}

inline void PointSets::assign(const double* columns, size_t n, size_t d) {
  columns_ = columns;
  n_ = n;
  d_ = d;
  if (is_word()) {
    word_.resize(n, d);
    uint32_t order[word_bits];
    for (size_t j = 0; j < d; ++j) {
      if (n <= most_to_compare) {
        word_.compare(j, column(j));
        continue;
      }
      sort_column(column(j), n, order);
      size_t r = 0;
      word_.fill(j, [&] {
        const size_t p = order[r++];
        return std::pair<size_t, double>(p, column(j)[p]);
      });
    }
    return;
  }
  has_sets_ = sets_fit(n);
  if (!has_sets_) return;

  words_ = words_for(n);
  sets_.assign(d * (n + 1) * words_, 0);
  for (std::vector<uint32_t>* numbers : {&orders_, &ranks_, &below_, &up_to_})
    numbers->resize(d * n);
  for (size_t j = 0; j < d; ++j) {
    const double* x = column(j);
    uint32_t* order = orders_.data() + j * n;
    sort_column(x, n, order);
    uint64_t* set = sets_.data() + j * (n + 1) * words_;
    for (size_t first = 0, r = 0; r < n; ++r) {
      const size_t p = order[r];
      ranks_[j * n + p] = static_cast<uint32_t>(r);
      std::copy_n(set, words_, set + words_);
      set += words_;
      set[p / word_bits] |= bit(p % word_bits);
      if (r + 1 < n && x[order[r + 1]] == x[p]) continue;
      const size_t equals = first;  // from here to r
      for (; first <= r; ++first) {
        below_[j * n + order[first]] = static_cast<uint32_t>(equals);
        up_to_[j * n + order[first]] = static_cast<uint32_t>(r + 1);
      }
    }
  }
}

inline std::vector<size_t> PointSets::without_covered() const {
  std::vector<size_t> kept;
  std::vector<uint64_t> set(words_);
  for (size_t p = 0; p < n_; ++p) {
    bool covered = false;
    for (size_t w = 0; w < words_ && !covered; w += 4) {
      Four up_to_p = Four::load(&set[w]);
      for (size_t j = 0; j < d_; ++j) up_to_p = up_to_p & Four::load(up_to(j, p) + w);
      covered = up_to_p.any();
    }
    if (covered) continue;
    kept.push_back(p);
    set[p / word_bits] |= bit(p % word_bits);
  }
  return kept;
}

inline const uint64_t* PointSets::up_to(size_t j, double value) const {
  const double* x = column(j);
  const uint32_t* first = order(j);
  const uint32_t* at =
      std::upper_bound(first, first + n_, value, [x](double v, uint32_t p) { return v < x[p]; });
  return lowest(j, static_cast<size_t>(at - first));
}

// Some points, in the order of each objective.
struct SomePoints {
  const PointSets& points;
  const std::vector<uint32_t>& some;
  uint64_t* ranks;  // words() words for a set, empty between calls

  size_t size() const { return points.size(); }
  const double* column(size_t j) const { return points.column(j); }
  template <class Visit>
  void ascending(size_t j, Visit visit) const {
    const uint32_t* rank = points.rank(j);
    const uint32_t* order = points.order(j);
    for (const uint32_t p : some) ranks[rank[p] / word_bits] |= bit(rank[p] % word_bits);
    size_t w = 0;
    for (size_t left = some.size(); left > 0; ++w)
      for (uint64_t word = std::exchange(ranks[w], 0); word != 0; word &= word - 1, --left)
        visit(size_t{order[w * word_bits + lowest_bit(word)]});
  }
};

}  // namespace LAMOO_LEVEL
}  // namespace lamoo
