// Hypervolume, contributions and improvement in two and three objectives: sort and sweep.
//
// As in hypervolume.hpp, volumes are sums of products of coordinate differences.
#pragma once

#include <cstddef>

#include "run.hpp"

namespace lamoo {

// As in hypervolume.hpp, m = 2. O(n log n), for each candidate a 64th of the steps of the front that
// it dominates.
double hypervolume2(const double* F, std::size_t n, const double* ref, const Run& run);
void contributions2(const double* F, std::size_t n, const double* ref, bool ignore_dominated,
                    const Run& run, double* out);
void improvements2(const double* C, std::size_t c, const double* F, std::size_t n, const double* ref,
                   const Run& run, double* out);

// m = 3. O(n log n)
double hypervolume3(const double* F, std::size_t n, const double* ref, const Run& run);
// O(n log n)
void contributions3(const double* F, std::size_t n, const double* ref, bool ignore_dominated,
                    const Run& run, double* out);
// O(n log n), for each candidate O(f / w) of f points of the front, w the lanes of a register, and
// O(k log k) of the k points that limit what it adds.
void improvements3(const double* C, std::size_t c, const double* F, std::size_t n, const double* ref,
                   const Run& run, double* out);

// A sum that does not lose digits to its length (Kahan, 1965).
class Sum {
 public:
  void add(double x) {
    const double y = x - lost_;
    const double next = total_ + y;
    lost_ = (next - total_) - y;
    total_ = next;
  }
  double value() const { return total_; }

 private:
  double total_ = 0.0, lost_ = 0.0;
};

}  // namespace lamoo
