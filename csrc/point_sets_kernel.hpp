// Points with the tables of their order. (A part of uncovered_kernel.hpp.)

namespace lamoo {
namespace LAMOO_LEVEL {

using std::uint32_t;

inline size_t words_for(size_t count) { return (count + word_bits - 1) / word_bits; }

inline bool contains(const uint64_t* set, size_t p) {
  return (set[p / word_bits] >> p % word_bits & 1) != 0;
}

// The middle value; values is not empty and is reordered.
inline double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// n points in d objectives and the tables of their order. Built once, then shared by threads.
class PointSets {
 public:
  // max_bytes: the most memory for the sets; above it, cells are index lists.
  explicit PointSets(size_t max_bytes = table_bytes) : max_bytes_(max_bytes) {}

  // Objective j of point i is columns[j * n + i]; the memory stays with the caller.
  void assign(const double* columns, size_t n, size_t d);

  size_t size() const { return n_; }
  size_t objectives() const { return d_; }
  const double* column(size_t j) const { return columns_ + j * n_; }

  // Which of the three sizes this is.
  bool is_word() const { return n_ <= word_bits; }
  bool has_sets() const { return has_sets_; }
  bool sets_fit(size_t n) const;
  size_t max_bytes() const { return max_bytes_; }

  const WordTable& word() const { return word_; }

  // The r points that are lowest in objective j, as a set; r <= n.
  const uint64_t* lowest(size_t j, size_t r) const {
    return sets_.data() + (j * (n_ + 1) + r) * words_;
  }
  // The number of points below point p, and the number at or below a value, in objective j.
  size_t rank(size_t j, size_t p) const { return ranks_[j * n_ + p]; }
  size_t count_up_to(size_t j, double value) const;

 private:
  size_t max_bytes_;
  const double* columns_ = nullptr;
  size_t n_ = 0, d_ = 0, words_ = 0;
  bool has_sets_ = false;
  WordTable word_;
  std::vector<uint64_t> sets_;
  std::vector<uint32_t> ranks_;
  std::vector<double> sorted_;  // the columns, each in ascending order
};

inline bool PointSets::sets_fit(size_t n) const {
  const size_t max_words = max_bytes_ / sizeof(uint64_t) / d_;
  return n <= word_bits || (n < max_words && (n + 1) * words_for(n) <= max_words);
}

inline void PointSets::assign(const double* columns, size_t n, size_t d) {
  columns_ = columns;
  n_ = n;
  d_ = d;
  if (is_word()) {
    word_.resize(n, d);
    for (size_t j = 0; j < d; ++j) std::copy_n(column(j), n, word_.column(j));
    word_.build_sets();
    return;
  }
  has_sets_ = sets_fit(n);
  if (!has_sets_) return;

  words_ = words_for(n);
  sets_.assign(d * (n + 1) * words_, 0);
  ranks_.resize(d * n);
  sorted_.resize(d * n);
  struct Entry {
    double x;
    uint32_t point;
  };
  std::vector<Entry> order(n);
  for (size_t j = 0; j < d; ++j) {
    for (size_t p = 0; p < n; ++p) order[p] = {column(j)[p], static_cast<uint32_t>(p)};
    std::sort(order.begin(), order.end(), [](const Entry& a, const Entry& b) { return a.x < b.x; });
    uint64_t* set = sets_.data() + j * (n + 1) * words_;
    size_t rank = 0;
    for (size_t r = 0; r < n; ++r) {
      const size_t p = order[r].point;
      if (r > 0 && order[r].x > order[r - 1].x) rank = r;
      ranks_[j * n + p] = static_cast<uint32_t>(rank);
      sorted_[j * n + r] = order[r].x;
      std::copy_n(set, words_, set + words_);
      set += words_;
      set[p / word_bits] |= uint64_t{1} << p % word_bits;
    }
  }
}

inline size_t PointSets::count_up_to(size_t j, double value) const {
  const double* sorted = sorted_.data() + j * n_;
  return static_cast<size_t>(std::upper_bound(sorted, sorted + n_, value) - sorted);
}

}  // namespace LAMOO_LEVEL
}  // namespace lamoo
