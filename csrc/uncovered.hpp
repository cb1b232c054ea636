// Exact volumes in many objectives, from cells (volumes_kernel.hpp).
//
// Points are columns: objective j of point i is columns[j * n + i], below ref in every objective.
// No result depends on run.
#pragma once

#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "run.hpp"

namespace lamoo {

// The most memory for the relations between all points of a call.
constexpr std::size_t table_bytes = std::size_t{64} << 20;

// Starting a thread costs as much as some thousand cells of few points.
inline int useful_threads(std::size_t cells, std::size_t points, std::size_t d, const Run& run) {
  const double work = static_cast<double>(cells) * static_cast<double>(points) *
                      static_cast<double>(d * d);
  return work < 1e5 ? 1 : run.n_threads();
}

// What a call may spend, in units of some 64 comparisons. Most sets of more points than most_points()
// can't be finished; which ones can, only trying tells: they get minutes, but if one cell alone takes
// seconds, the many others would take days. The sizes are measured on spheres, which are among the
// hardest fronts; below them no call is ended. Whether a call is ended does not depend on threads.
class Budget {
 public:
  Budget(const Run& run, std::size_t points, std::size_t objectives) : run_(run) {
    const double size = static_cast<double>(points) / most_points(objectives);
    if (size >= 1.0) call_limit_ = 30'000'000'000;
    if (size >= 4.0) cell_limit_ = 300'000'000;
  }

  // During a cell. Throws when it should stop.
  void check(std::uint64_t cell) const {
    run_.check();
    if (cell > cell_limit_ || spent_.load(std::memory_order_relaxed) + cell > call_limit_)
      throw TooLong();
  }
  // After a cell.
  void spend(std::uint64_t cell) {
    const std::uint64_t spent = spent_.fetch_add(cell, std::memory_order_relaxed) + cell;
    if (cell > cell_limit_ || spent > call_limit_) throw TooLong();
  }

  static double most_points(std::size_t objectives) {
    return 24.0 * (1.0 + std::pow(30.0 / static_cast<double>(objectives), 5));
  }

 private:
  static constexpr std::uint64_t unlimited = ~std::uint64_t{0};

  const Run& run_;
  std::atomic<std::uint64_t> spent_{0};
  std::uint64_t cell_limit_ = unlimited, call_limit_ = unlimited;
};

// What a thread spends on its cells.
class Work {
 public:
  explicit Work(Budget& budget) : budget_(budget) {}
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

  void spend(std::size_t units) {
    cell_ += units;
    if (cell_ < next_check_) return;
    next_check_ = cell_ + check_every;
    budget_.check(cell_);
  }
  void end_cell() {
    const std::uint64_t cell = std::exchange(cell_, 0);
    next_check_ = next_check_ > cell ? next_check_ - cell : 0;
    budget_.spend(cell);
  }
  Budget& budget() { return budget_; }

 private:
  static constexpr std::uint64_t check_every = 2048;

  Budget& budget_;
  std::uint64_t cell_ = 0, next_check_ = 0;
};

// Of up to so many points, hypervolume_cells finds the dominated ones by itself, from its tables. Of
// more, they should be left out before.
constexpr std::size_t most_with_dominated = 256;

// Volume that the points cover. They are in ascending order of the last objective; m >= 2.
double hypervolume_cells(const double* columns, std::size_t n, std::size_t m, const double* ref,
                         const Run& run);

// out[i]: what point i covers and no other point does. out (n,)
void contributions_cells(const double* columns, std::size_t n, std::size_t m, const double* ref,
                         const Run& run, double* out);

// The point with the least contribution, the first of equal ones; n > 0.
std::size_t least_cell(const double* columns, std::size_t n, std::size_t m, const double* ref,
                       const Run& run);

// out[i]: what candidate i covers and no point does. candidates: c columns; out (c,)
void improvements_cells(const double* candidates, std::size_t c, const double* columns,
                        std::size_t n, std::size_t m, const double* ref, const Run& run,
                        double* out);

// Volume of [lo, hi), lo < hi, that points 0 .. end-1 without point skip leave uncovered
// (skip >= end: none is left out), with tables of at most max_bytes. All these points are below hi
// in every objective.
double uncovered_volume(const double* columns, std::size_t n, std::size_t d, const double* lo,
                        const double* hi, std::size_t end, std::size_t skip, std::size_t max_bytes,
                        const Run& run);

}  // namespace lamoo
