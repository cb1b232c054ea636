// Sets of at most 64 W points as W words. (A part of volumes_kernel.hpp.)

namespace lamoo {
namespace LAMOO_LEVEL {

using std::size_t;
using std::uint32_t;
using std::uint64_t;

// Four words in a register where there is one.
struct Four {
#if LAMOO_AVX2
  __m256i words;
  static Four load(const uint64_t* at) {
    return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at))};
  }
  void store(uint64_t* at) const { _mm256_storeu_si256(reinterpret_cast<__m256i*>(at), words); }
  Four operator&(const Four& other) const { return {_mm256_and_si256(words, other.words)}; }
  Four operator|(const Four& other) const { return {_mm256_or_si256(words, other.words)}; }
  Four without(const Four& other) const { return {_mm256_andnot_si256(other.words, words)}; }
  bool any() const { return _mm256_testz_si256(words, words) == 0; }
#else
  uint64_t words[4];
  static Four load(const uint64_t* at) { return {{at[0], at[1], at[2], at[3]}}; }
  void store(uint64_t* at) const {
    for (size_t w = 0; w < 4; ++w) at[w] = words[w];
  }
  Four operator&(const Four& other) const {
    Four both;
    for (size_t w = 0; w < 4; ++w) both.words[w] = words[w] & other.words[w];
    return both;
  }
  Four operator|(const Four& other) const {
    Four either;
    for (size_t w = 0; w < 4; ++w) either.words[w] = words[w] | other.words[w];
    return either;
  }
  Four without(const Four& other) const {
    Four rest;
    for (size_t w = 0; w < 4; ++w) rest.words[w] = words[w] & ~other.words[w];
    return rest;
  }
  bool any() const { return (words[0] | words[1] | words[2] | words[3]) != 0; }
#endif
};

// Set{} is empty.
template <size_t W>
struct Set;

template <>
struct Set<1> {
  uint64_t words[1];

  Set operator&(const Set& other) const { return {{words[0] & other.words[0]}}; }
  Set operator|(const Set& other) const { return {{words[0] | other.words[0]}}; }
  Set without(const Set& other) const { return {{words[0] & ~other.words[0]}}; }
  bool any() const { return words[0] != 0; }
};

template <>
struct Set<4> {
  uint64_t words[4];

  Set operator&(const Set& other) const { return make(four() & other.four()); }
  Set operator|(const Set& other) const { return make(four() | other.four()); }
  Set without(const Set& other) const { return make(four().without(other.four())); }
  bool any() const { return four().any(); }

 private:
  Four four() const { return Four::load(words); }
  static Set make(const Four& four) {
    Set set;
    four.store(set.words);
    return set;
  }
};

template <size_t W>
inline void insert(Set<W>& set, size_t p) {
  set.words[p / word_bits] |= bit(p % word_bits);
}

template <size_t W>
inline void erase(Set<W>& set, size_t p) {
  set.words[p / word_bits] &= ~bit(p % word_bits);
}

template <size_t W>
inline bool contains(const Set<W>& set, size_t p) {
  return (set.words[p / word_bits] >> p % word_bits & 1) != 0;
}

template <size_t W>
inline size_t count(const Set<W>& set) {
  size_t sum = 0;
  for (size_t w = 0; w < W; ++w) sum += count_bits(set.words[w]);
  return sum;
}

// The points 0 .. k-1.
template <size_t W>
inline Set<W> first_points(size_t k) {
  Set<W> set;
  for (size_t w = 0; w < W; ++w)
    set.words[w] = k <= w * word_bits ? 0 : low_bits(k - w * word_bits);
  return set;
}

// Calls visit(p) for the points of a set in ascending order.
template <size_t W, class Visit>
inline void for_each(const Set<W>& set, Visit visit) {
  for (size_t w = 0; w < W; ++w)
    for (uint64_t word = set.words[w]; word != 0; word &= word - 1)
      visit(w * word_bits + lowest_bit(word));
}

// k <= 64 W points in d objectives, with the order of the points in each objective as sets.
template <size_t W>
class Table {
 public:
  static constexpr size_t capacity = W * word_bits;

  // Room for k points. Then fill() for every objective.
  void resize(size_t k, size_t d) {
    size_ = k;
    x_ = values_.room_for(d * capacity);
    below_ = sets_.room_for(2 * d * capacity);
    up_to_ = below_ + d * capacity;
    order_ = numbers_.room_for(2 * d * capacity);
    rank_ = order_ + d * capacity;
  }

  // All points, in ascending order of objective j: next() gives the number and the coordinate of
  // one after the other.
  template <class Next>
  void fill(size_t j, Next next) {
    // Pointers of its own: a byte may be stored anywhere, for all that the compiler knows.
    double* const columns = x_ + j * capacity;
    Set<W>* const below = below_ + j * capacity;
    Set<W>* const up_to = up_to_ + j * capacity;
    unsigned char* const order = order_ + j * capacity;
    unsigned char* const rank = rank_ + j * capacity;
    Set<W> seen{}, lower{};
    double last = 0.0;
    size_t equals = 0;  // the place of the first of equal points
    for (size_t r = 0, size = size_; r < size; ++r) {
      const auto [p, x] = next();
      if (x != last) {
        lower = seen;
        equals = r;
      }
      last = x;
      columns[p] = x;
      below[p] = lower;
      rank[p] = static_cast<unsigned char>(r);
      order[r] = static_cast<unsigned char>(p);
      insert(seen, p);
      for (size_t t = equals; t <= r; ++t) up_to[order[t]] = seen;
    }
  }

  // The same for objective j of all points, given by number, by comparing them all with each other.
  void compare(size_t j, const double* x) {
    static_assert(W == 1);
    double* const column = x_ + j * capacity;
    std::copy_n(x, size_, column);
    const uint64_t all = low_bits(size_);
    for (size_t p = 0; p < size_; ++p) {
      uint64_t above = 0, below = 0;
      for (size_t q = 0; q < size_; q += 8) {
        above |= uint64_t{above8(column + q, x[p])} << q;
        below |= uint64_t{below8(column + q, x[p])} << q;
      }
      const size_t at = j * capacity + p;
      below_[at] = {{all & below}};
      up_to_[at] = {{all & ~above}};
      // Of equal ones, the first comes first.
      const size_t r = count_bits((all & below) | (low_bits(p) & ~above));
      rank_[at] = static_cast<unsigned char>(r);
      order_[j * capacity + r] = static_cast<unsigned char>(p);
    }
  }

  size_t size() const { return size_; }
  const double* column(size_t j) const { return x_ + j * capacity; }
  // below(j)[p], up_to(j)[p]: the points strictly below point p in objective j, and those not above.
  const Set<W>* below(size_t j) const { return below_ + j * capacity; }
  const Set<W>* up_to(size_t j) const { return up_to_ + j * capacity; }
  // The points in ascending order, and the place of each in it.
  const unsigned char* order(size_t j) const { return order_ + j * capacity; }
  const unsigned char* rank(size_t j) const { return rank_ + j * capacity; }

 private:
  size_t size_ = 0;
  Scratch<double> values_;
  Scratch<Set<W>> sets_;
  Scratch<unsigned char> numbers_;
  double* x_ = nullptr;
  Set<W>*below_ = nullptr, *up_to_ = nullptr;
  unsigned char *order_ = nullptr, *rank_ = nullptr;
};

// Some points of a table, in the order of each objective.
struct TablePoints {
  const Table<1>& table;
  uint64_t points;

  size_t size() const { return table.size(); }
  const double* column(size_t j) const { return table.column(j); }
  template <class Visit>
  void ascending(size_t j, Visit visit) const {
    const unsigned char* rank = table.rank(j);
    const unsigned char* order = table.order(j);
    uint64_t ranks = 0;
    for (uint64_t set = points; set != 0; set &= set - 1) ranks |= bit(rank[lowest_bit(set)]);
    for (; ranks != 0; ranks &= ranks - 1) visit(size_t{order[lowest_bit(ranks)]});
  }
};

// Makes small tables of some points of a larger one.
class Gather {
 public:
  // Points of from, a table with order(j) and rank(j), into the table to.
  template <size_t W, class From>
  void begin(const From& from, const std::vector<uint32_t>& points, size_t d, Table<W>& to) {
    to.resize(points.size(), d);
    if (number_.size() < from.size()) number_.resize(from.size());
    ranks_.assign((from.size() + word_bits - 1) / word_bits, 0);
    for (size_t i = 0; i < points.size(); ++i) number_[points[i]] = static_cast<uint32_t>(i);
  }

  // Objective j of from becomes objective i of to. Returns which points are above lo there.
  template <size_t W, class From>
  Set<W> objective(const From& from, const std::vector<uint32_t>& points, size_t j, double lo,
                   Table<W>& to, size_t i) {
    const auto* rank = from.rank(j);
    const auto* order = from.order(j);
    const double* x = from.column(j);
    const uint32_t* const number = number_.data();
    uint64_t* const ranks = ranks_.data();
    for (const uint32_t p : points) ranks[rank[p] / word_bits] |= bit(rank[p] % word_bits);
    size_t first = 0;  // the number of the first place of the word
    const uint64_t* next = ranks;
    uint64_t word = *next;
    Set<W> limits{};
    to.fill(i, [=, &limits]() mutable {
      for (; word == 0; first += word_bits) word = *++next;
      const size_t p = order[first + lowest_bit(word)];
      word &= word - 1;
      if (x[p] > lo) insert(limits, number[p]);
      return std::pair<size_t, double>(number[p], x[p]);
    });
    std::fill(ranks_.begin(), ranks_.end(), 0);
    return limits;
  }

 private:
  std::vector<uint32_t> number_;  // of a point in the small table
  std::vector<uint64_t> ranks_;   // a set, empty between calls
};

}  // namespace LAMOO_LEVEL
}  // namespace lamoo
