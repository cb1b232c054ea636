// Mean and standard error of independent replicates.
#pragma once

#include <cmath>
#include <limits>
#include <vector>

namespace lamoo {

struct Summary {
  double mean, stderr_;
};

// The error of a single one is unknown: infinity.
inline Summary summary(const std::vector<double>& values) {
  const double count = static_cast<double>(values.size());
  double mean = 0.0, squares = 0.0;
  for (const double v : values) mean += v / count;
  if (values.size() == 1) return {mean, std::numeric_limits<double>::infinity()};
  for (const double v : values) squares += (v - mean) * (v - mean);
  return {mean, std::sqrt(squares / (count * (count - 1.0)))};
}

}  // namespace lamoo
