// Mean and standard error of independent replicates.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace lamoo {

struct Summary {
  double mean, stderr_;
};

// Of replicates with `samples` samples in all. The error of a single replicate is unknown, so
// infinite. Where all of them agree, samples may have missed something rare: one in `samples`.
inline Summary summary(const std::vector<double>& values, std::uint64_t samples) {
  const double count = static_cast<double>(values.size());
  double mean = 0.0, squares = 0.0;
  for (const double v : values) mean += v / count;
  if (values.size() == 1) return {mean, std::numeric_limits<double>::infinity()};
  for (const double v : values) squares += (v - mean) * (v - mean);
  if (!(squares > 1e-28 * mean * mean)) return {mean, mean / static_cast<double>(samples)};
  return {mean, std::sqrt(squares / (count * (count - 1.0)))};
}

}  // namespace lamoo
