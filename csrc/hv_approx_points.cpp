// Contributions and improvements by sampling: hv_approx.hpp.
#include <algorithm>
#include <cmath>
#include <vector>

#include "dominance.hpp"
#include "hv_approx.hpp"
#include "nets.hpp"
#include "own_part.hpp"
#include "parallel.hpp"
#include "summary.hpp"

namespace lamoo {

using std::size_t;
using std::uint64_t;

namespace {

constexpr size_t replicates = 32;
constexpr uint64_t most_cells = 1024;
constexpr size_t most_numbers = size_t{1} << 22;  // in the cells of one point

size_t points_bits(uint64_t n_samples) {
  size_t k = 0;
  while (k < 40 && n_samples / replicates >> (k + 1) != 0) ++k;
  return k;
}

// What points add to rows of F, each on its own.
class Additions {
 public:
  Additions(const double* F, size_t n, size_t m, const double* ref, uint64_t n_samples,
            uint64_t seed)
      : m_(m), ref_(ref, ref + m), k_(points_bits(n_samples)),
        nets_(replicates, m + 1, uint64_t{1} << k_, seed) {
    for (size_t i = 0; i < n; ++i)
      if (counts(F + i * m)) rows_.insert(rows_.end(), F + i * m, F + (i + 1) * m);
    nets_.make(k_);
  }

  uint64_t samples() const { return uint64_t{replicates} << k_; }

  // value and standard error of point number i; one row equal to it is left out if it is itself
  // among the rows.
  void estimate(const double* point, size_t i, bool among_rows, const Run& run, double* value,
                double* stderr_) const {
    *value = *stderr_ = 0.0;
    if (!counts(point)) return;
    std::vector<double> corners;
    if (!corners_in_box(point, among_rows, corners)) return;
    const uint64_t affordable = most_numbers / std::max<size_t>(corners.size(), 1) + 1;
    const uint64_t cells = std::min({most_cells, affordable, samples() / 8});
    const OwnPart part(point, ref_.data(), std::move(corners), m_, static_cast<size_t>(cells));
    Summary found{part.exact(), 0.0};
    if (part.unknown() > 0.0) {
      found = summary(means(part, i, run), samples());
      found.mean = part.exact() + part.unknown() * found.mean;
      found.stderr_ *= part.unknown();
    }
    for (size_t j = 0; j < m_; ++j) {
      found.mean *= ref_[j] - point[j];
      found.stderr_ *= ref_[j] - point[j];
    }
    *value = found.mean;
    *stderr_ = found.stderr_;
  }

 private:
  bool counts(const double* point) const {
    for (size_t j = 0; j < m_; ++j)
      if (!(point[j] < ref_[j])) return false;
    return true;
  }

  // The rows' boxes inside of the point's box that are in none of the others; false if one is all
  // of it.
  bool corners_in_box(const double* point, bool among_rows, std::vector<double>& out) const {
    std::vector<double> all;
    for (const double* row = rows_.data(); row != rows_.data() + rows_.size(); row += m_) {
      if (among_rows && std::equal(row, row + m_, point)) {
        among_rows = false;
        continue;
      }
      bool covers = true;
      for (size_t j = 0; j < m_; ++j) {
        covers = covers && row[j] <= point[j];
        all.push_back(std::max(row[j], point[j]));
      }
      if (covers) return false;
    }
    const size_t n = all.size() / m_;
    std::vector<std::uint8_t> matters(n);
    is_nondominated(all.data(), n, m_, false, matters.data(), Run());
    for (size_t i = 0; i < n; ++i)
      if (matters[i] != 0)
        out.insert(out.end(), all.data() + i * m_, all.data() + (i + 1) * m_);
    return true;
  }

  std::vector<double> means(const OwnPart& part, size_t stream, const Run& run) const {
    const Nets::Block& block = nets_.block(k_);
    const size_t points = nets_.points_of_cell(k_);
    std::vector<uint64_t> origins(replicates * (m_ + 1)), bits((m_ + 1) * points), memory;
    std::vector<double> x(m_), sums(replicates, 0.0);
    nets_.origins(block, stream, 0, origins.data());
    for (uint64_t cell = 0; cell < samples() / points; ++cell) {
      run.check();
      nets_.points(block, origins.data(), cell, points, memory, bits.data());
      const auto uniform = [&](size_t j, size_t p) {
        return static_cast<double>(bits[j * points + p] >> 12) * 0x1p-52 + 0x1p-53;
      };
      for (size_t p = 0; p < points; ++p) {
        for (size_t j = 0; j < m_; ++j) x[j] = uniform(j + 1, p);
        sums[nets_.replicate_of(k_, p)] += part.sample(uniform(0, p), x.data());
      }
    }
    for (double& sum : sums) sum /= std::ldexp(1.0, static_cast<int>(k_));
    return sums;
  }

  size_t m_;
  std::vector<double> ref_, rows_;
  size_t k_;  // 2^k_ points of each replicate
  Nets nets_;
};

}  // namespace

uint64_t hv_approx_improvement(const double* C, size_t c, const double* F, size_t n, size_t m,
                               const double* ref, uint64_t n_samples, uint64_t seed, const Run& run,
                               double* value, double* stderr_) {
  const Additions additions(F, n, m, ref, n_samples, seed);
  parallel_for(c, run.n_threads(), run, [&] {
    return [&](size_t i) {
      additions.estimate(C + i * m, i, false, run, value + i, stderr_ + i);
    };
  });
  return additions.samples();
}

uint64_t hv_approx_contributions(const double* F, size_t n, size_t m, const double* ref,
                                 bool ignore_dominated, uint64_t n_samples, uint64_t seed,
                                 const Run& run, double* value, double* stderr_) {
  std::vector<std::uint8_t> front(n, 1);
  std::vector<double> rows(F, F + n * m);
  if (ignore_dominated) {
    is_nondominated(F, n, m, true, front.data(), run);
    size_t kept = 0;
    for (size_t i = 0; i < n; ++i)
      if (front[i] != 0) std::copy_n(F + i * m, m, rows.data() + kept++ * m);
    rows.resize(kept * m);
  }
  const Additions additions(rows.data(), rows.size() / m, m, ref, n_samples, seed);
  parallel_for(n, run.n_threads(), run, [&] {
    return [&](size_t i) {
      value[i] = stderr_[i] = 0.0;
      if (front[i] != 0) additions.estimate(F + i * m, i, true, run, value + i, stderr_ + i);
    };
  });
  return additions.samples();
}

}  // namespace lamoo
