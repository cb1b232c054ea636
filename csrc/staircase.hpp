// Sets of numbers that know their neighbours: staircases in the order of x.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "bits.hpp"

namespace lamoo {

// A set of numbers below n that knows its neighbours: a tree of words, 64 to one.
class NeighbourSet {
 public:
  explicit NeighbourSet(std::size_t n = 1) { reset(n); }

  // Empty, for numbers below n.
  void reset(std::size_t n) {
    none_ = n;
    levels_ = 0;
    std::size_t words = 0;
    do {
      n = (n + word_bits - 1) / word_bits;
      start_[levels_++] = words;
      words += n;
    } while (n > 1);
    words_.assign(words, 0);
  }

  std::size_t none() const { return none_; }

  void insert(std::size_t i) {
    for (std::size_t level = 0; level < levels_; ++level) {
      word(level, i / word_bits) |= std::uint64_t{1} << i % word_bits;
      i /= word_bits;
    }
  }

  void erase(std::size_t i) {
    for (std::size_t level = 0; level < levels_; ++level) {
      word(level, i / word_bits) &= ~(std::uint64_t{1} << i % word_bits);
      if (word(level, i / word_bits) != 0) return;
      i /= word_bits;
    }
  }

  // The smallest element, or none().
  std::size_t first() const {
    if (word(levels_ - 1, 0) == 0) return none_;
    std::size_t i = 0;
    for (std::size_t level = levels_; level-- > 0;) i = i * word_bits + lowest_bit(word(level, i));
    return i;
  }

  // The smallest element above i, or none().
  std::size_t next(std::size_t i) const {
    for (std::size_t level = 0; level < levels_; ++level) {
      const std::uint64_t rest = word(level, i / word_bits) & ~low_bits(i % word_bits + 1);
      i /= word_bits;
      if (rest == 0) continue;
      i = i * word_bits + lowest_bit(rest);
      while (level-- > 0) i = i * word_bits + lowest_bit(word(level, i));
      return i;
    }
    return none_;
  }

  // The largest element below i, or none().
  std::size_t previous(std::size_t i) const {
    for (std::size_t level = 0; level < levels_; ++level) {
      const std::uint64_t rest = word(level, i / word_bits) & low_bits(i % word_bits);
      i /= word_bits;
      if (rest == 0) continue;
      i = i * word_bits + highest_bit(rest);
      while (level-- > 0) i = i * word_bits + highest_bit(word(level, i));
      return i;
    }
    return none_;
  }

 private:
  std::uint64_t& word(std::size_t level, std::size_t i) { return words_[start_[level] + i]; }
  std::uint64_t word(std::size_t level, std::size_t i) const { return words_[start_[level] + i]; }

  std::size_t none_ = 0, levels_ = 0;
  std::size_t start_[11] = {};  // 64^11 > 2^64
  std::vector<std::uint64_t> words_;
};

// The same for a set whose neighbours are linked: only what is not yet in it has to be looked up.
class Stairs {
 public:
  using Index = std::uint32_t;

  // Empty, for numbers below n, which fit an Index.
  explicit Stairs(std::size_t n) : none_(static_cast<Index>(n)), set_(n), after_(n + 1, none_) {}

  Index none() const { return none_; }
  // The largest element below i, or none().
  Index before(Index i) const { return static_cast<Index>(set_.previous(i)); }
  // The element after an element, or after none(): the first one; or none().
  Index after(Index element) const { return after_[element]; }
  // i comes between two neighbours, once all in between are erased.
  void insert(Index before, Index i, Index after) {
    after_[before] = i;
    after_[i] = after;
    set_.insert(i);
  }
  // For insert() to follow; after(i) holds until then.
  void erase(Index i) { set_.erase(i); }
  // Point i comes after `before`, which does not cover it, and takes the place of those that it
  // covers: take(j) for each of them in ascending order. Returns the element after it.
  template <class Point, class Take>
  Index enter(const Point* points, Index before, Index i, const Take& take) {
    Index next = after(before);
    for (; next != none_ && points[next].y >= points[i].y; next = after(next)) {
      take(next);
      erase(next);
    }
    insert(before, i, next);
    return next;
  }

 private:
  Index none_;
  NeighbourSet set_;
  std::vector<Index> after_;
};

}  // namespace lamoo
