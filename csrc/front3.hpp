// Volumes that a point in three objectives adds to others: the base of sweeps.
//
// Points are given by column: objective j of point i is columns[j * n + i]. All are below ref.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "run.hpp"
#include "staircase.hpp"

namespace lamoo {

// For points begin <= i < end, out[i] = what point i adds to the points before it. front: of the
// points before begin, those that no other one dominates or repeats.
// O(1 + f / w) for a point, f the size of the front so far and w the lanes of a register, and
// O(k log k) for the k points of the front that limit what it adds.
void exclusive_volumes(const double* columns, std::size_t n, const std::vector<std::size_t>& front,
                       std::size_t begin, std::size_t end, const double* ref, const Run& run,
                       double* out);

// For candidates begin <= i < end (candidates by column, c in all), out[i] = what candidate i adds
// to the n points, of which none dominates or repeats another; by x.
void improvements_over(const double* candidates, std::size_t c, const double* columns, std::size_t n,
                       std::size_t begin, std::size_t end, const double* ref, const Run& run,
                       double* out);

// For points begin <= i < end, out[i - begin] = what point i covers of the box up to ref and points
// by[start[i]] .. by[start[i + 1] - 1] do not. Objective j of point i is points[i * stride + j]; they
// are by x, for each point too.
void own_volumes(const double* points, std::size_t stride, const std::size_t* start,
                 const std::uint32_t* by, std::size_t begin, std::size_t end, const double* ref,
                 double* out);

struct Scratch3 {
  std::vector<std::pair<double, std::size_t>> order;
  NeighbourSet stairs;
};

// What k points leave uncovered of the box [lo, hi); lo <= point < hi, by x. O(k log k)
double uncovered3(const double* x, const double* y, const double* z, std::size_t k,
                  const double* lo, const double* hi, Scratch3& scratch);

}  // namespace lamoo
