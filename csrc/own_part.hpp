// The part of a box that other boxes with the same upper corner leave uncovered, by cutting and
// sampling.
//
// Cells are cut along the lower corners of the boxes until nothing is left to cut or there are
// enough cells; the rest is sampled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "polar.hpp"

namespace lamoo {

class OwnPart {
 public:
  // The box from lo to hi, lo < hi, and the lower corners of the others, (k, m): from lo on, below
  // hi. Volumes are relative to that of the box.
  OwnPart(const double* lo, const double* hi, std::vector<double> corners, std::size_t m,
          std::size_t most_cells);

  double exact() const { return exact_; }    // volume of the cells without others
  double unknown() const { return ends_.empty() ? 0.0 : ends_.back(); }  // volume of the others

  // A sample for an independent number and a point, all uniform in (0, 1): its mean times
  // unknown() is the uncovered volume of the other cells. x (m,) is overwritten.
  double sample(double choice, double* x) const;

 private:
  struct Cell {
    double volume;
    std::vector<double> lo, hi, corners;
  };
  static bool smaller(const Cell& a, const Cell& b);
  void split(Cell cell, std::vector<Cell>& heap);
  void add(Cell cell, std::vector<Cell>& heap);

  std::size_t m_;
  std::vector<double> size_;  // of the box
  double exact_ = 0.0;
  std::vector<double> ends_;  // sums of the volumes of the cells that are left
  std::vector<Body> bodies_;
  std::vector<std::vector<double>> columns_;
};

}  // namespace lamoo
