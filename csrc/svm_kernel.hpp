// Decisions and training of support vector machines. Compiled for each level, with its parts.
#include "svm_exact_kernel.hpp"
#include "svm_quick_kernel.hpp"
#include "svm_solver_kernel.hpp"

namespace lamoo {
namespace LAMOO_LEVEL {

// Rows that are handled together stay in the cache from one machine to the next.
constexpr std::size_t svm_block = 4096;

void svm_decisions(const Svm& svm, const double* Z, std::size_t n, const Run& run, double* out) {
  Exact exact(svm);
  for (std::size_t i = 0; i < n; i += Exact::group) {
    run.check();
    const std::size_t count = std::min(Exact::group, n - i);
    for (std::size_t l = 0; l < count; ++l) exact.put(l, Z + (i + l) * svm.features());
    exact.decide(count, out + i);
  }
}

// Takes the rows of Z that are not on the side out of `rows`. Their order changes.
static void keep_side(const SvmSide& side, double margin, const double* Z,
                      std::vector<std::size_t>& rows) {
  const Svm& svm = *side.svm;
  const std::size_t f = svm.features();
  std::vector<std::size_t> doubtful;
  std::size_t kept = 0;
  if (svm.kernel.kind == SvmKernel::Kind::rbf) {
    Quick quick(svm);
    for (std::size_t i = 0; i < rows.size(); i += Quick::group) {
      const std::size_t count = std::min(Quick::group, rows.size() - i);
      for (std::size_t l = 0; l < count; ++l) quick.put(l, Z + rows[i + l] * f);
      quick.decide();
      for (std::size_t l = 0; l < count; ++l) {
        const std::size_t row = rows[i + l];
        const Quick::Decision decision = quick.decision(l);
        const double beyond = decision.value - margin;
        if (!(std::abs(beyond) > decision.error))
          doubtful.push_back(row);
        else if ((beyond > 0.0) == side.above)
          rows[kept++] = row;
      }
    }
  } else {
    doubtful = rows;
  }
  rows.resize(kept);
  if (doubtful.empty()) return;
  Exact exact(svm);
  double decisions[Exact::group];
  for (std::size_t i = 0; i < doubtful.size(); i += Exact::group) {
    const std::size_t count = std::min(Exact::group, doubtful.size() - i);
    for (std::size_t l = 0; l < count; ++l) exact.put(l, Z + doubtful[i + l] * f);
    exact.decide(count, decisions);
    for (std::size_t l = 0; l < count; ++l)
      if ((decisions[l] > margin) == side.above) rows.push_back(doubtful[i + l]);
  }
}

void svm_inside(const std::vector<SvmSide>& sides, double margin, const double* Z, std::size_t n,
                const Run& run, std::uint8_t* out) {
  // The cheap machines, those deep in a tree, leave few rows to the others.
  std::vector<SvmSide> order(sides);
  std::stable_sort(order.begin(), order.end(), [](const SvmSide& a, const SvmSide& b) {
    return a.svm->cost() < b.svm->cost();
  });
  std::fill(out, out + n, std::uint8_t{0});
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < n; i += svm_block) {
    rows.clear();
    for (std::size_t row = i; row < std::min(n, i + svm_block); ++row) rows.push_back(row);
    for (const SvmSide& side : order) {
      run.check();
      keep_side(side, margin, Z, rows);
    }
    for (const std::size_t row : rows) out[row] = 1;
  }
}

void svm_train(const SvmKernel& kernel, double C, double tolerance, const double* X, std::size_t n,
               std::size_t f, const std::uint8_t* good, const Run& run, double* dual,
               double* intercept) {
  // Rows that are a power of two apart would share few lines of the cache.
  const std::size_t stride = (n + Exact::group - 1) / Exact::group * Exact::group + 16;
  std::vector<float> K(n * stride);
  std::vector<double> tile(f * Exact::group);
  for (std::size_t i = 0; i < n; i += Exact::group) {
    run.check();
    const std::size_t count = std::min(Exact::group, n - i);
    for (std::size_t l = 0; l < count; ++l)
      for (std::size_t c = 0; c < f; ++c) tile[c * Exact::group + l] = X[(i + l) * f + c];
    const auto put = [&](std::size_t j, const Doubles* values) {
      float* out = K.data() + (i + j) * stride + i;
      for (std::size_t l = 0; l < Exact::group; ++l)
        out[l] = static_cast<float>(values[l / LAMOO_LANES][l % LAMOO_LANES]);
      float* mirrored = K.data() + i * stride + i + j;
      for (std::size_t l = 0; l < count; ++l) mirrored[l * stride] = out[l];
    };
    for_each_row(kernel, X + i * f, n - i, f, tile.data(), put);
  }
  Solver(K.data(), stride, n, good, C).solve(tolerance, run, dual, intercept);
}

}  // namespace LAMOO_LEVEL
}  // namespace lamoo
