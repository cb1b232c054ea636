#include "svm.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#define LAMOO_KERNEL_FILE "svm_kernel.hpp"
#include "foreach_level.hpp"

namespace lamoo {

Svm::Svm(const SvmKernel& k, const double* mean_, const double* scale, const double* support_,
         const double* dual_, std::size_t s, std::size_t f, double intercept_)
    : kernel(k), mean(mean_, mean_ + f), inverse_scale(f), intercept(intercept_) {
  for (std::size_t c = 0; c < f; ++c) inverse_scale[c] = 1.0 / scale[c];
  if (kernel.kind == SvmKernel::Kind::linear) {
    support.assign(f, 0.0);
    dual.assign(1, 1.0);
    for (std::size_t j = 0; j < s; ++j)
      for (std::size_t c = 0; c < f; ++c) support[c] += dual_[j] * support_[j * f + c];
    return;
  }
  support.assign(support_, support_ + s * f);
  dual.assign(dual_, dual_ + s);
  if (kernel.kind != SvmKernel::Kind::rbf) return;

  unit = std::sqrt(kernel.gamma * 2.8853900817779268);  // 2 / ln 2
  for (const bool positive : {true, false}) {
    std::size_t used = 0;
    for (std::size_t j = 0; j < s; ++j) {
      if ((dual[j] > 0.0) != positive || dual[j] == 0.0) continue;
      if (used % 2 == 0) pairs.resize(pairs.size() + 2 * (f + 2));  // its other half may stay zero
      float* pair = pairs.data() + pairs.size() - 2 * (f + 2) + used++ % 2;
      double square = 0.0;
      for (std::size_t c = 0; c < f; ++c) {
        const double y = support[j * f + c] * unit;
        square += y * y;
        pair[2 * (c + 2)] = static_cast<float>(y);
      }
      pair[0] = static_cast<float>(-square / 2);
      pair[2] = static_cast<float>(std::abs(dual[j]));
      total += std::abs(dual[j]);
      farthest = std::max(farthest, square / 2);
    }
    (positive ? n_positive : n_negative) = (used + 1) / 2;
  }
}

void svm_decisions(const Svm& svm, const double* Z, std::size_t n, const Run& run, double* out) {
  LAMOO_DISPATCH(svm_decisions)(svm, Z, n, run, out);
}

void svm_inside(const std::vector<SvmSide>& sides, double margin, const double* Z, std::size_t n,
                const Run& run, std::uint8_t* out) {
  LAMOO_DISPATCH(svm_inside)(sides, margin, Z, n, run, out);
}

void svm_train(const SvmKernel& kernel, double C, double tolerance, const double* X, std::size_t n,
               std::size_t f, const std::uint8_t* good, const Run& run, double* dual,
               double* intercept) {
  LAMOO_DISPATCH(svm_train)(kernel, C, tolerance, X, n, f, good, run, dual, intercept);
}

}  // namespace lamoo
