// The part of a box that at most 64 points leave uncovered: the innermost level of the exact
// hypervolume. Sets of points are single 64-bit words.
//
// A cell is a box [lo, hi) and a set of alive points. A point p covers [p, infinity). It *limits*
// the cell in the objectives where it is above lo; below hi it is in all of them, or it would not
// be alive. Three rules, of which only the last one branches:
//   covered  a point that limits the cell nowhere covers it all: the volume is 0
//   slab     a point that limits it in one objective only lowers hi there, and is gone together
//            with all points that are not below the new hi
//   cut      else one point splits what it leaves uncovered into disjoint cells, one for each
//            objective that it limits; the point is gone from all of them
// and closed forms end the recursion where few points are left.
// All volumes are sums of products of differences of two coordinates: nothing ever cancels.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace lamoo {

constexpr std::size_t word_bits = 64;

// Index of the lowest set bit; word is not 0.
inline unsigned lowest_bit(std::uint64_t word) {
#if defined(__GNUC__) || defined(__clang__)
  return static_cast<unsigned>(__builtin_ctzll(word));
#else
  // Isolated bit times a de Bruijn sequence: the top six bits name the position.
  static constexpr unsigned char position[64] = {
      0,  1,  48, 2,  57, 49, 28, 3,  61, 58, 50, 42, 38, 29, 17, 4,  62, 55, 59, 36, 53, 51,
      43, 22, 45, 39, 33, 30, 24, 18, 12, 5,  63, 47, 56, 27, 60, 41, 37, 16, 54, 35, 52, 21,
      44, 32, 23, 11, 46, 26, 40, 15, 34, 20, 31, 10, 25, 14, 19, 9,  13, 8,  7,  6};
  return position[((word & (~word + 1)) * 0x03F79D71B4CB0A89u) >> 58];
#endif
}

// Index of the highest set bit; word is not 0.
inline unsigned highest_bit(std::uint64_t word) {
#if defined(__GNUC__) || defined(__clang__)
  return 63u - static_cast<unsigned>(__builtin_clzll(word));
#else
  for (unsigned shift = 1; shift < 64; shift *= 2) word |= word >> shift;
  return lowest_bit(word ^ (word >> 1));
#endif
}

inline std::uint64_t low_bits(std::size_t count) {
  return count >= word_bits ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
}

// k <= 64 points in d objectives, with the order of the points in each objective as sets.
class WordTable {
 public:
  // Room for k points; fill the columns, then call build_sets().
  void resize(std::size_t k, std::size_t d);
  void build_sets();

  std::size_t size() const { return size_; }
  std::size_t objectives() const { return objectives_; }

  double* column(std::size_t j) { return x_.data() + j * word_bits; }
  const double* column(std::size_t j) const { return x_.data() + j * word_bits; }
  // below(j)[p], above(j)[p]: the points strictly below, above point p in objective j.
  const std::uint64_t* below(std::size_t j) const { return below_.data() + j * word_bits; }
  const std::uint64_t* above(std::size_t j) const { return above_.data() + j * word_bits; }

 private:
  std::size_t size_ = 0;
  std::size_t objectives_ = 0;
  std::vector<double> x_;
  std::vector<std::uint64_t> below_, above_;
};

// The scratch memory of the recursion; one a thread, used for many cells.
class WordCells {
 public:
  // Room for cells of d objectives. The recursion allocates nothing but the tables of
  // volume_subsets, once for each number of points.
  void reserve(std::size_t d);

  // Volume of [lo, hi) that the points of table in alive leave uncovered; lo < hi. Every alive
  // point is below hi in all objectives.
  double uncovered(const WordTable& table, std::uint64_t alive, const double* lo,
                   const double* hi);

 private:
  // A cell in one objective.
  struct Side {
    std::size_t objective;
    std::uint64_t limits;  // the alive points that limit the cell here
    double lo, hi;
  };
  // Objectives that no alive point limits any more are not kept.
  struct Cell {
    Side* sides;
    std::size_t d;
  };

  double volume(std::size_t level, std::uint64_t alive);
  template <std::size_t K>
  double volume_few(const Cell& cell, std::uint64_t alive) const;
  double volume_subsets(const Cell& cell, std::uint64_t alive, std::size_t count);
  double volume_plane(const Cell& cell, std::uint64_t alive) const;
  double volume_cut(std::size_t level, std::uint64_t alive, std::uint64_t candidates);
  unsigned choose_pivot(const Cell& cell, std::uint64_t candidates) const;
  std::size_t count_sides(const Cell& cell, unsigned p) const;
  std::uint64_t fewest_limits(const Cell& cell, std::uint64_t alive) const;
  double at(const Side& side, unsigned p) const { return table_->column(side.objective)[p]; }

  const WordTable* table_ = nullptr;
  // One cell a level: each cut takes one point away, so that 65 levels are enough.
  std::vector<Cell> cells_;
  std::vector<Side> sides_;
  std::size_t capacity_ = 0;  // objectives
  std::vector<double> open_, done_, highest_;  // one number a subset, see volume_subsets
};

}  // namespace lamoo
