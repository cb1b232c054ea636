// Means over randomised point sets, once for each replicate: their spread is the standard error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "nets.hpp"
#include "polar.hpp"
#include "run.hpp"

namespace lamoo {

// Sums of a function over the points of `streams` sequences of each replicate of `nets`.
class Replicates {
 public:
  // Sets value[p] for the directions p of a stream.
  using Evaluate = std::function<void(std::size_t stream, const Coordinates& at,
                                      PolarScratch& scratch, double* value)>;

  Replicates(std::size_t streams, Nets nets, Evaluate evaluate);

  // Puts points of a stream on the list: up to the first `count` ones of replicates 0 .. r-1.
  void plan(std::size_t stream, std::uint64_t count, std::size_t r);
  // Takes all points on the list, on the threads of run.
  void take(const Run& run, int n_threads);

  std::size_t size() const { return nets_.replicates(); }
  // Mean over the points of a stream that were taken (at least one).
  double mean(std::size_t stream, std::size_t replicate) const {
    const std::size_t at = stream * size() + replicate;
    return sums_[at] / static_cast<double>(counts_[at]);
  }

 private:
  struct Task {
    std::size_t stream, replicates, k;
    std::uint64_t start, cell, end_cell;
  };
  struct Memory {  // of one thread
    std::vector<std::uint64_t> origins, points, bits;
    std::vector<double> value;
    PolarScratch polar;
  };
  void run_task(const Task& task, Memory& memory, double* sums) const;

  Nets nets_;
  Evaluate evaluate_;
  std::vector<std::uint64_t> counts_;  // [stream][replicate]
  std::vector<double> sums_;
  std::vector<Task> planned_;
};

}  // namespace lamoo
