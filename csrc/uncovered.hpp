// The part of a box that any number of points leave uncovered: what hypervolume, contributions and
// improvement in many objectives are made of.
//
// The same cells and rules as in word_cells.hpp, in three sizes. A cell with more points than fit
// is cleared of slabs and of points that other points dominate inside it, and is then cut in two at
// the median of the points that limit it, until it fits into the next smaller size:
//   index lists     where the tables of all points would take too much memory
//   sets of points  one bit a point, from tables of their order in each objective
//   words           at most 64 points
// A halving takes half of the points from one part and half of the limits in one objective from
// the other, so the depth of the recursion is O(d log n).
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "word_cells.hpp"

namespace lamoo {

// n points in d objectives and the tables of their order. Built once, then shared by threads.
class PointSets {
 public:
  static constexpr std::size_t default_bytes = std::size_t{64} << 20;

  // max_bytes: the most memory for the sets; above it, cells are index lists.
  explicit PointSets(std::size_t max_bytes = default_bytes) : max_bytes_(max_bytes) {}

  // Objective j of point i is columns[j * n + i]; the memory stays with the caller.
  void assign(const double* columns, std::size_t n, std::size_t d);

  std::size_t size() const { return n_; }
  std::size_t objectives() const { return d_; }
  const double* column(std::size_t j) const { return columns_ + j * n_; }

  // Which of the three sizes this is.
  bool is_word() const { return n_ <= word_bits; }
  bool has_sets() const { return has_sets_; }
  bool sets_fit(std::size_t n) const;
  std::size_t max_bytes() const { return max_bytes_; }

  const WordTable& word() const { return word_; }

  // The r points that are lowest in objective j, as a set; r <= n.
  const std::uint64_t* lowest(std::size_t j, std::size_t r) const {
    return sets_.data() + (j * (n_ + 1) + r) * words_;
  }
  // The number of points below point p, and the number at or below a value, in objective j.
  std::size_t rank(std::size_t j, std::size_t p) const { return ranks_[j * n_ + p]; }
  std::size_t count_up_to(std::size_t j, double value) const;

 private:
  std::size_t max_bytes_;
  const double* columns_ = nullptr;
  std::size_t n_ = 0, d_ = 0, words_ = 0;
  bool has_sets_ = false;
  WordTable word_;
  std::vector<std::uint64_t> sets_;
  std::vector<std::uint32_t> ranks_;
  std::vector<double> sorted_;  // the columns, each in ascending order
};

// Computes uncovered volumes. Holds scratch memory, kept between calls: one a thread.
class Uncovered {
 public:
  // Volume of [lo, hi), lo < hi, that points 0 .. end-1 without point skip leave uncovered
  // (skip >= end: none is left out). All these points are below hi in every objective.
  double operator()(const PointSets& points, const double* lo, const double* hi, std::size_t end,
                    std::size_t skip);

 private:
  struct Cell {
    std::vector<std::uint64_t> alive;
    std::vector<std::uint64_t> limits;  // objective j from word j * words_; dead points may be in
    std::vector<double> lo, hi;
  };
  struct Bounds {
    std::vector<double> lo, hi;
  };

  double in_word(const double* lo, const double* hi, std::size_t end, std::size_t skip);
  double in_sets(const double* lo, const double* hi, std::size_t end, std::size_t skip);
  double in_lists(const double* lo, const double* hi, std::size_t end, std::size_t skip);

  Cell& cell(std::size_t level);
  double volume(std::size_t level);
  bool apply_slabs(Cell& cell);
  void drop_dominated(Cell& cell);
  std::size_t list_alive(const Cell& cell);
  double volume_of_few(const Cell& cell);
  void choose_cut(const Cell& cell, std::size_t& axis, double& at);

  Bounds& bounds(std::size_t level);
  double list_volume(std::size_t* first, std::size_t* last, std::size_t level);
  double volume_of_list(const std::size_t* first, const std::size_t* last, const Bounds& bounds);

  const PointSets* points_ = nullptr;  // of this call
  WordCells word_cells_;

  std::size_t words_ = 0;  // of the sets in use, enough for end points
  std::deque<Cell> cells_;
  std::vector<std::uint64_t> slabs_;
  std::vector<const std::uint64_t*> rows_;
  std::vector<std::size_t> survivors_;
  std::vector<double> values_;
  WordTable few_;

  std::deque<Bounds> bounds_;
  std::vector<std::size_t> list_;
  std::vector<double> gathered_;
  std::unique_ptr<PointSets> local_points_;
  std::unique_ptr<Uncovered> local_;
};

}  // namespace lamoo
