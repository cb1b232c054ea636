// The hypervolume kernels against closed forms and against slow twins that count unit cubes.
// Build: g++ -std=c++17 -O2 -pthread csrc/test_hypervolume.cpp and all of csrc that is no test

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <vector>

#include "hv_approx.hpp"
#include "hypervolume.hpp"
#include "rng.hpp"
#include "uncovered.hpp"

namespace {

using Values = std::vector<double>;
using std::size_t;
using std::uint64_t;

int failures = 0;

void check(bool ok, const char* what, double got, double wanted) {
  if (ok) return;
  if (++failures <= 20) std::printf("FAILED %s: got %.17g, wanted %.17g\n", what, got, wanted);
}

void check_near(const char* what, double got, double wanted, double relative = 1e-13) {
  check(std::fabs(got - wanted) <= relative * std::fabs(wanted), what, got, wanted);
}

void check_equal(const char* what, double got, double wanted) {
  check(got == wanted, what, got, wanted);
}

class Random {
 public:
  explicit Random(uint64_t seed) : seed_(seed) {}
  size_t below(size_t n) { return static_cast<size_t>(lamoo::random_bits(seed_, count_++) % n); }
  double unit() {
    return static_cast<double>(lamoo::random_bits(seed_, count_++) >> 11) * 0x1p-53;
  }

 private:
  uint64_t seed_, count_ = 0;
};

// A front on the unit sphere around (1, ..., 1), with ref = 1.1.
Values sphere(Random& random, size_t n, size_t m) {
  Values F;
  for (size_t i = 0; i < n; ++i) {
    Values x(m);
    double norm = 0;
    for (double& v : x) {
      v = 0.01 + random.unit();
      norm += v * v;
    }
    for (const double v : x) F.push_back(1.0 - v / std::sqrt(norm));
  }
  return F;
}

// ---- slow twins: integer coordinates, so that volumes are numbers of unit cubes ----

struct Grid {
  size_t n, m, side;  // ref is side in every objective; coordinates are 0 .. side + 1
  Values F;

  bool covers(const double* x, size_t cube) const {
    for (size_t j = 0; j < m; ++j, cube /= side)
      if (x[j] > static_cast<double>(cube % side)) return false;
    return true;
  }
  size_t cubes() const {
    size_t count = 1;
    for (size_t j = 0; j < m; ++j) count *= side;
    return count;
  }
  bool dominated(size_t i) const {
    for (size_t k = 0; k < n; ++k) {
      bool weakly = true, somewhere = false;
      for (size_t j = 0; j < m; ++j) {
        weakly &= F[k * m + j] <= F[i * m + j];
        somewhere |= F[k * m + j] < F[i * m + j];
      }
      if (weakly && somewhere) return true;
    }
    return false;
  }
};

Grid random_grid(Random& random, size_t max_n, size_t max_m, size_t max_side) {
  Grid grid{random.below(max_n + 1), 1 + random.below(max_m), 2 + random.below(max_side - 1), {}};
  for (size_t i = 0; i < grid.n; ++i) {
    // Most rows near a plane, so that many do not dominate each other; some are equal.
    size_t left = grid.m * grid.side / 2;
    if (i > 0 && random.below(8) == 0) {
      const size_t twin = random.below(i);
      for (size_t j = 0; j < grid.m; ++j) grid.F.push_back(grid.F[twin * grid.m + j]);
      continue;
    }
    const bool spread = random.below(4) == 0;
    for (size_t j = 0; j < grid.m; ++j) {
      size_t x = random.below(grid.side + (spread ? 2 : 0));
      if (!spread) {
        x = std::min(x, left);
        left -= x;
      }
      grid.F.push_back(static_cast<double>(x));
    }
  }
  return grid;
}

void compare_with_twins(const Grid& grid, Random& random) {
  const size_t n = grid.n, m = grid.m;
  const size_t c = random.below(4);
  Values C;
  for (size_t i = 0; i < c * m; ++i) C.push_back(static_cast<double>(random.below(grid.side + 1)));

  double volume = 0;
  Values alone(n, 0.0), alone_front(n, 0.0), gain(c, 0.0);
  std::vector<char> dominated(n);
  for (size_t i = 0; i < n; ++i) dominated[i] = grid.dominated(i);
  for (size_t cube = 0; cube < grid.cubes(); ++cube) {
    size_t by = 0, by_front = 0, last = 0, last_front = 0;
    for (size_t i = 0; i < n; ++i) {
      if (!grid.covers(&grid.F[i * m], cube)) continue;
      ++by;
      last = i;
      if (!dominated[i]) {
        ++by_front;
        last_front = i;
      }
    }
    volume += by > 0 ? 1 : 0;
    if (by == 1) alone[last] += 1;
    if (by_front == 1) alone_front[last_front] += 1;
    for (size_t i = 0; i < c; ++i)
      if (by == 0 && grid.covers(&C[i * m], cube)) gain[i] += 1;
  }

  const int threads = 1 + static_cast<int>(random.below(3));
  const Values ref(m, static_cast<double>(grid.side));
  check_equal("hypervolume", lamoo::hypervolume(grid.F.data(), n, m, ref.data(), threads), volume);
  Values out(n);
  lamoo::hv_contributions(grid.F.data(), n, m, ref.data(), false, threads, out.data());
  for (size_t i = 0; i < n; ++i) check_equal("contribution", out[i], alone[i]);
  lamoo::hv_contributions(grid.F.data(), n, m, ref.data(), true, threads, out.data());
  for (size_t i = 0; i < n; ++i) check_equal("contribution to the front", out[i], alone_front[i]);
  Values gained(c);
  lamoo::hv_improvement(C.data(), c, grid.F.data(), n, m, ref.data(), threads, gained.data());
  for (size_t i = 0; i < c; ++i) check_equal("improvement", gained[i], gain[i]);
}

void test_grids() {
  Random random(1);
  for (int i = 0; i < 6000; ++i) compare_with_twins(random_grid(random, 12, 5, 4), random);
  for (int i = 0; i < 300; ++i) compare_with_twins(random_grid(random, 150, 4, 7), random);
  for (int i = 0; i < 60; ++i) compare_with_twins(random_grid(random, 300, 3, 16), random);
}

// Each size of cell alone: no memory for sets makes all cells index lists.
void test_cell_sizes() {
  Random random(2);
  for (int i = 0; i < 200; ++i) {
    const Grid grid = random_grid(random, 300, 4, 7);
    Values columns, hi(grid.m, static_cast<double>(grid.side));
    std::vector<size_t> rows;
    for (size_t p = 0; p < grid.n; ++p) {
      bool inside = true;
      for (size_t j = 0; j < grid.m; ++j) inside &= grid.F[p * grid.m + j] < hi[j];
      if (inside) rows.push_back(p);
    }
    for (size_t j = 0; j < grid.m; ++j)
      for (const size_t p : rows) columns.push_back(grid.F[p * grid.m + j]);
    const size_t end = random.below(rows.size() + 1);
    const size_t skip = random.below(rows.size() + 1);
    Values lo;
    for (size_t j = 0; j < grid.m; ++j)
      lo.push_back(static_cast<double>(random.below(std::max<size_t>(grid.side / 2, 1))));
    double wanted = 0;
    for (size_t cube = 0; cube < grid.cubes(); ++cube) {
      bool uncovered = grid.covers(lo.data(), cube);
      for (size_t p = 0; p < end; ++p)
        uncovered &= p == skip || !grid.covers(&grid.F[rows[p] * grid.m], cube);
      wanted += uncovered ? 1 : 0;
    }
    for (const size_t bytes : {size_t{0}, size_t{8000}, lamoo::table_bytes}) {
      const double got = lamoo::uncovered_volume(columns.data(), rows.size(), grid.m, lo.data(),
                                                 hi.data(), end, skip, bytes, 1);
      check_equal("uncovered", got, wanted);
    }
  }
}

// Many objectives: inclusion and exclusion over all subsets, in integers.
double volume_by_subsets(const Values& F, size_t n, size_t m, double ref) {
  std::int64_t total = 0;
  for (size_t subset = 1; subset < size_t{1} << n; ++subset) {
    std::int64_t box = -1;
    for (size_t j = 0; j < m; ++j) {
      double lowest = 0.0;
      for (size_t i = 0; i < n; ++i)
        if ((subset >> i & 1) != 0) lowest = std::max(lowest, F[i * m + j]);
      box *= static_cast<std::int64_t>(std::max(ref - lowest, 0.0));
    }
    for (size_t i = 0; i < n; ++i)
      if ((subset >> i & 1) != 0) box = -box;
    total += box;
  }
  return static_cast<double>(total);
}

void test_many_objectives() {
  Random random(6);
  for (int i = 0; i < 400; ++i) {
    const size_t m = 5 + random.below(10), n = 2 + random.below(9), side = 3 + random.below(6);
    Values F, ref(m, static_cast<double>(side)), out(n);
    for (size_t k = 0; k < n * m; ++k) F.push_back(static_cast<double>(random.below(side)));
    const double volume = volume_by_subsets(F, n, m, ref[0]);
    check_equal("many objectives", lamoo::hypervolume(F.data(), n, m, ref.data(), 1), volume);
    const Values rest(F.begin() + static_cast<std::ptrdiff_t>(m), F.end());
    const double gain = volume - volume_by_subsets(rest, n - 1, m, ref[0]);
    lamoo::hv_contributions(F.data(), n, m, ref.data(), false, 1, out.data());
    check_equal("contribution in many objectives", out[0], gain);
    lamoo::hv_improvement(F.data(), 1, rest.data(), n - 1, m, ref.data(), 1, out.data());
    check_equal("improvement in many objectives", out[0], gain);
  }
}

// ---- closed forms ----

void test_boxes() {
  for (size_t m = 1; m <= 40; ++m) {
    // Two points of which each is better in half of the objectives.
    Values F(2 * m, 0.0);
    for (size_t j = 0; j < m; ++j) F[(j < m / 2 ? 0 : m) + j] = 0.5;
    const Values ref(m, 1.0);
    const double a = std::pow(0.5, static_cast<double>(m / 2));
    const double b = std::pow(0.5, static_cast<double>(m - m / 2));
    const double wanted = m == 1 ? 1.0 : a + b - a * b;
    check_near("two boxes", lamoo::hypervolume(F.data(), 2, m, ref.data(), 1), wanted);
    check_near("one box", lamoo::hypervolume(F.data(), 1, m, ref.data(), 1), a);
    check_equal("no box", lamoo::hypervolume(F.data(), 0, m, ref.data(), 1), 0.0);
  }
}

// Points that are 1 in one objective and 0 in the others leave a unit cube next to ref = 2.
void test_unit_points() {
  for (size_t m = 2; m <= 16; ++m) {
    Values F(m * m, 0.0);
    for (size_t j = 0; j < m; ++j) F[j * m + j] = 1.0;
    const Values ref(m, 2.0);
    check_equal("unit points", lamoo::hypervolume(F.data(), m, m, ref.data(), 2),
                std::pow(2.0, static_cast<double>(m)) - 1.0);
    Values out(m);
    lamoo::hv_contributions(F.data(), m, m, ref.data(), true, 2, out.data());
    for (const double x : out) check_equal("unit contributions", x, 1.0);
  }
}

// Scaling the objectives by powers of two scales every result exactly.
void test_scales() {
  Random random(3);
  for (size_t m = 1; m <= 12; ++m) {
    const size_t n = 20;
    Values F, G, ref(m, 1.0), far(m);
    for (size_t i = 0; i < n * m; ++i) F.push_back(random.unit());
    G = F;
    int exponent = 0;
    for (size_t j = 0; j < m; ++j) {
      const int e = static_cast<int>(random.below(1900)) - 950;
      const int back = exponent > 0 ? -std::abs(e) : std::abs(e);
      const int step = std::abs(exponent + e) < 900 ? e : back;
      exponent += step;
      far[j] = std::ldexp(1.0, step);
      for (size_t i = 0; i < n; ++i) G[i * m + j] = std::ldexp(F[i * m + j], step);
    }
    check_equal("scaled hypervolume", lamoo::hypervolume(G.data(), n, m, far.data(), 1),
                std::ldexp(lamoo::hypervolume(F.data(), n, m, ref.data(), 1), exponent));
    Values out(n), wanted(n);
    lamoo::hv_contributions(F.data(), n, m, ref.data(), false, 1, wanted.data());
    lamoo::hv_contributions(G.data(), n, m, far.data(), false, 1, out.data());
    for (size_t i = 0; i < n; ++i)
      check_equal("scaled contribution", out[i], std::ldexp(wanted[i], exponent));
  }
  const double big = std::numeric_limits<double>::max();
  const Values wide{-big, -big}, corner{big, big};
  check_equal("overflow", lamoo::hypervolume(wide.data(), 1, 2, corner.data(), 1),
              std::numeric_limits<double>::infinity());
  const Values thin{-big, 0.0}, flat{big, 1e-300};
  check_near("wide and flat", lamoo::hypervolume(thin.data(), 1, 2, flat.data(), 1),
             2.0 * (big * 1e-300));
}

// A cluster far from ref: contributions that are differences of nearly equal coordinates.
void test_tiny_contributions() {
  for (size_t m = 2; m <= 8; ++m) {
    const double gap = 0x1p-30;
    Values F(m * m), ref(m, 1.0), out(m);
    for (size_t i = 0; i < m; ++i)
      for (size_t j = 0; j < m; ++j) F[i * m + j] = i == j ? gap : 2 * gap;
    // Point i alone has the slab [gap, 2 gap) in objective i, from 2 gap in the others.
    lamoo::hv_contributions(F.data(), m, m, ref.data(), true, 1, out.data());
    for (const double x : out)
      check_near("slab", x, gap * std::pow(1.0 - 2 * gap, static_cast<double>(m - 1)));
  }
}

void test_threads_and_batch() {
  Random random(4);
  for (size_t m = 2; m <= 8; ++m) {
    const size_t n = 90;
    const Values F = sphere(random, n, m), ref(m, 1.1);
    const double one = lamoo::hypervolume(F.data(), n, m, ref.data(), 1);
    check_equal("threads", lamoo::hypervolume(F.data(), n, m, ref.data(), 4), one);
    const std::vector<size_t> start{0, 30, 30, 90};
    Values out(3);
    lamoo::hypervolume_batch(F.data(), start.data(), 3, m, ref.data(), 2, out.data());
    check_equal("batch", out[0], lamoo::hypervolume(F.data(), 30, m, ref.data(), 1));
    check_equal("batch of nothing", out[1], 0.0);
    check_equal("batch", out[2], lamoo::hypervolume(&F[30 * m], 60, m, ref.data(), 1));
  }
}

// ---- estimates ----

void test_approx() {
  for (size_t m = 1; m <= 40; ++m) {
    const Values F(m, 0.25), ref(m, 1.0);
    const lamoo::HVEstimate box = lamoo::hv_approx(F.data(), 1, m, ref.data(), 1 << 12, 0, m, 1);
    const double wanted = std::pow(0.75, static_cast<double>(m));
    check(std::fabs(box.value - wanted) <= 1e-14 * wanted, "estimate of a box", box.value, wanted);
    check(box.stderr_ <= 1e-14 * wanted, "a box is its own sample", box.stderr_, 0);
    if (m == 1) check_equal("exact for one objective", box.stderr_, 0.0);
    if (m > 1) check_equal("samples", static_cast<double>(box.n_samples), 1 << 12);
  }
  const lamoo::HVEstimate nothing = lamoo::hv_approx(nullptr, 0, 3, nullptr, 100, 0, 0, 1);
  check_equal("estimate of nothing", nothing.value, 0.0);

  Random random(5);
  for (const size_t m : {size_t{4}, size_t{8}}) {
    int covered = 0;
    double bias = 0;
    for (uint64_t seed = 0; seed < 400; ++seed) {
      const Values F = sphere(random, 20, m), ref(m, 1.1);
      const double exact = lamoo::hypervolume(F.data(), 20, m, ref.data(), 1);
      const lamoo::HVEstimate got =
          lamoo::hv_approx(F.data(), 20, m, ref.data(), 1 << 11, 0, seed, 1);
      const double t31 = 2.0395;  // 97.5 % quantile of Student's t with 31 degrees of freedom
      covered += std::fabs(got.value - exact) <= t31 * got.stderr_ ? 1 : 0;
      bias += (got.value - exact) / got.stderr_ / 400;
    }
    std::printf("m = %zu: %d of 400 intervals cover, mean z %.3f\n", m, covered, bias);
    check(covered >= 360 && covered <= 396, "coverage of 95 % intervals", covered, 380);
    check(std::fabs(bias) < 0.2, "bias in standard errors", bias, 0);
  }

  const Values F = sphere(random, 50, 6), ref(6, 1.1);
  const auto estimate = [&](double rel_tol, int threads) {
    return lamoo::hv_approx(F.data(), 50, 6, ref.data(), 1 << 20, rel_tol, 7, threads);
  };
  const lamoo::HVEstimate one = estimate(1e-3, 1), three = estimate(1e-3, 3);
  check_equal("threads do not matter", three.value, one.value);
  check(one.stderr_ <= 1e-3 * one.value && one.n_samples < 1 << 20, "early stop", one.stderr_, 0);
}

}  // namespace

int main() {
  test_boxes();
  test_unit_points();
  test_scales();
  test_tiny_contributions();
  test_grids();
  test_cell_sizes();
  test_many_objectives();
  test_threads_and_batch();
  test_approx();
  std::printf(failures == 0 ? "all passed\n" : "%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
