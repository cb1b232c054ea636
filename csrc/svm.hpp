// Support vector machines for two classes: training, and on which side of the boundary points are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "run.hpp"

namespace lamoo {

// How alike two points are: x.y, (gamma x.y + 1)^degree, or exp(-gamma |x - y|^2).
struct SvmKernel {
  enum class Kind { linear, poly, rbf };
  Kind kind;
  double gamma;
  unsigned degree;
};

// A trained machine. Its decision at z is the intercept and the sum of dual[j] times the kernel of
// support row j and (z - mean) / scale. Results have the same bits with every instruction set.
class Svm {
 public:
  // mean and scale (f), support (s, f), dual (s).
  Svm(const SvmKernel& kernel, const double* mean, const double* scale, const double* support,
      const double* dual, std::size_t s, std::size_t f, double intercept);

  // Multiplications for one point, about.
  std::size_t cost() const { return (dual.size() + 1) * (features() + 16); }
  std::size_t features() const { return mean.size(); }

  SvmKernel kernel;
  std::vector<double> mean, inverse_scale;
  std::vector<double> support, dual;  // of a linear machine one row: the normal of the boundary
  double intercept;

  // The same once more in single precision, for the rbf kernel 2^(x.y - |x|^2/2 - |y|^2/2) of
  // rows times `unit`: pairs of rows with a positive coefficient, then those with a negative one.
  // A pair is 2 offsets -|y|^2/2, 2 coefficients without sign, and 2 numbers for each feature.
  double unit = 0.0;
  std::vector<float> pairs;
  std::size_t n_positive = 0, n_negative = 0;  // pairs
  double total = 0.0;                          // sum of the coefficients without sign
  double farthest = 0.0;                       // largest |y|^2/2
};

// Of rows Z (n, f): the decisions (n).
void svm_decisions(const Svm& svm, const double* Z, std::size_t n, const Run& run, double* out);

// A side of a machine: the decision is above the margin, or it is not.
struct SvmSide {
  const Svm* svm;
  bool above;
};

// Which rows of Z (n, f) are on all the sides (n): 1 or 0. O(n s f) for the first few machines, and
// less for the others, which see only what is left.
void svm_inside(const std::vector<SvmSide>& sides, double margin, const double* Z, std::size_t n,
                const Run& run, std::uint8_t* out);

// Trains a machine with costs C on rows X (n, f), of which some are good and some not: dual (n),
// zero where a row does not support the boundary, and the intercept. The decision of a row is
// optimal within tolerance. O(n^2 f) for the kernel, and O(n) for each step.
void svm_train(const SvmKernel& kernel, double C, double tolerance, const double* X, std::size_t n,
               std::size_t f, const std::uint8_t* good, const Run& run, double* dual,
               double* intercept);

}  // namespace lamoo
