// Hypervolume in four objectives.
#pragma once

#include <cstddef>

#include "run.hpp"

namespace lamoo {

// As in hypervolume.hpp, m = 4. In ascending order of the last objective, each point adds its distance to ref there times the
// volume that it adds to the points before it in the other three (after the idea of HV4D+ of
// Guerreiro and Fonseca, 2018, which finds that volume by walking along lists).
// O(n f / w + n k log k): f points of the front in three objectives are looked at w at a time, and k
// of them limit what a point adds.
double hypervolume4(const double* F, std::size_t n, const double* ref, const Run& run);

}  // namespace lamoo
