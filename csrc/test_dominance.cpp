// Closed forms for dominance and the archive, in plain C++: no Python, no test framework.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <numeric>
#include <vector>

#include "archive.hpp"
#include "dominance.hpp"
#include "order_key.hpp"

namespace {

using Values = std::vector<double>;
using Counts = std::vector<std::int64_t>;
using Mask = std::vector<std::uint8_t>;
using std::size_t;

int failures = 0;

void check(bool ok, const char* what, size_t n, size_t m) {
  if (ok) return;
  ++failures;
  std::printf("FAILED: %s (n = %zu, m = %zu)\n", what, n, m);
}

Mask front_of(const Values& F, size_t m, bool keep_weakly) {
  Mask out(F.size() / m);
  lamoo::is_nondominated(F.data(), out.size(), m, keep_weakly, out.data());
  return out;
}

Counts ranks_of(const Values& F, size_t m) {
  Counts out(F.size() / m);
  lamoo::pareto_rank(F.data(), out.size(), m, {}, lamoo::Run(), out.data());
  return out;
}

Counts counts_of(const Values& F, size_t m, int n_threads) {
  Counts out(F.size() / m);
  lamoo::dominance_count(F.data(), out.size(), m, n_threads, out.data());
  return out;
}

Counts range(size_t n) {
  Counts out(n);
  std::iota(out.begin(), out.end(), 0);
  return out;
}

// Row i is (i, ..., i): each row is dominated by all before it.
void test_chain(size_t n, size_t m) {
  Values F(n * m);
  for (size_t i = 0; i < n * m; ++i) F[i] = static_cast<double>(i / m);
  check(ranks_of(F, m) == range(n), "ranks of a chain", n, m);
  for (int n_threads : {1, 2, 5})
    check(counts_of(F, m, n_threads) == range(n), "counts of a chain", n, m);
  Mask first(n, 0);
  if (n > 0) first[0] = 1;
  check(front_of(F, m, false) == first, "front of a chain", n, m);
}

// Row i is (i, -i, 0, ..., 0): no row dominates another. m >= 2.
void test_front(size_t n, size_t m) {
  Values F(n * m, 0.0);
  for (size_t i = 0; i < n; ++i) {
    F[i * m] = static_cast<double>(i);
    F[i * m + m - 1] = -static_cast<double>(i);
  }
  check(ranks_of(F, m) == Counts(n, 0), "ranks of a front", n, m);
  check(counts_of(F, m, 1) == Counts(n, 0), "counts of a front", n, m);
  check(front_of(F, m, false) == Mask(n, 1), "front of a front", n, m);
}

void test_equal_rows(size_t n, size_t m) {
  const Values F(n * m, 0.5);
  check(ranks_of(F, m) == Counts(n, 0), "ranks of equal rows", n, m);
  check(counts_of(F, m, 1) == Counts(n, 0), "counts of equal rows", n, m);
  check(front_of(F, m, true) == Mask(n, 1), "front of equal rows, all kept", n, m);
  Mask first(n, 0);
  if (n > 0) first[0] = 1;
  check(front_of(F, m, false) == first, "front of equal rows, the first kept", n, m);
}

// All points of the grid {0 .. k-1}^m: the rank is the sum, the count a product.
void test_grid(size_t k, size_t m) {
  Values F;
  Counts rank, count;
  std::vector<size_t> x(m, 0);
  for (size_t j = 0; j < m;) {
    std::int64_t sum = 0, below = 1;
    for (size_t c : x) {
      F.push_back(static_cast<double>(c));
      sum += static_cast<std::int64_t>(c);
      below *= static_cast<std::int64_t>(c + 1);
    }
    rank.push_back(sum);
    count.push_back(below - 1);
    for (j = 0; j < m && ++x[j] == k; ++j) x[j] = 0;
  }
  check(ranks_of(F, m) == rank, "ranks of a grid", rank.size(), m);
  check(counts_of(F, m, 2) == count, "counts of a grid", rank.size(), m);
}

// A front that moves towards the origin: every row is accepted and removes the one before it.
void test_archive(size_t n, size_t m) {
  const Values ref(m, 4.0);
  lamoo::Archive archive(m, ref.data());
  check(archive.hypervolume(lamoo::Run()) == 0.0, "hypervolume of no member", 0, m);
  const size_t width = m == 1 ? 1 : 7;  // members at a time
  Values F;
  for (size_t i = 0; i < n; ++i)
    for (size_t w = 0; w < width; ++w)
      for (size_t j = 0; j < m; ++j) {
        const double level = 1.0 / static_cast<double>(i + 1), step = 0.125 * static_cast<double>(w);
        F.push_back(j == 0 ? level + step : j == m - 1 ? level + 0.75 - step : level);
      }
  Mask accepted(n * width, 9);
  archive.add(F.data(), n * width, lamoo::Run(), accepted.data());
  check(accepted == Mask(n * width, 1), "rows accepted", n, m);
  check(archive.size() == width, "members left", n, m);
  archive.add(F.data(), n * width, lamoo::Run(), accepted.data());
  check(accepted == Mask(n * width, 0), "rows known", n, m);

  Values front(width * m);
  archive.front(front.data());
  check(front == Values(F.end() - static_cast<std::ptrdiff_t>(width * m), F.end()),
        "the last rows are the front", n, m);

  const Values origin(m, 0.0);
  archive.add(origin.data(), 1, lamoo::Run(), accepted.data());
  check(archive.size() == 1, "one member dominates all", n, m);
  const double exact = std::pow(4.0, static_cast<double>(m));
  check(std::fabs(archive.hypervolume(lamoo::Run()) - exact) <= 1e-12 * exact, "volume of a cube", n, m);
}

// Rows on a plane, and a dominated and an equal one for each: threads find what one thread finds.
void test_many_rows(size_t n, size_t m) {
  Values F;
  for (size_t i = 0; i < n; ++i) {
    const double x = static_cast<double>(i * 7919 % n), y = static_cast<double>(i % 211);
    const double last = 2.0 * static_cast<double>(n) - x - y;
    for (double above : {0.0, 1.0, 0.0}) {
      F.push_back(x + above);
      if (m == 3) F.push_back(y + above);
      F.push_back((m == 3 ? last : last + y) + above);
    }
  }
  for (bool keep_weakly : {false, true})
    for (int n_threads : {1, 2, 3}) {
      Mask out(3 * n);
      lamoo::is_nondominated(F.data(), 3 * n, m, keep_weakly, out.data(), lamoo::Run(n_threads));
      bool right = true;
      for (size_t i = 0; i < n; ++i)
        right &= out[3 * i] == 1 && out[3 * i + 1] == 0 && out[3 * i + 2] == keep_weakly;
      check(right, "front of many rows", n, m);
    }
}

void test_order_of_numbers() {
  const double infinity = std::numeric_limits<double>::infinity();
  const double up[] = {-infinity, -1e308, -1.0, -5e-324, 0.0, 5e-324, 1.0, 1e308, infinity};
  for (size_t i = 0; i + 1 < sizeof up / sizeof *up; ++i)
    check(lamoo::order_key(up[i]) < lamoo::order_key(up[i + 1]), "order of numbers", i, 1);
  check(lamoo::order_key(-0.0) == lamoo::order_key(0.0), "negative zero", 1, 1);
}

}  // namespace

int main() {
  for (size_t m : {1, 2, 3, 4, 5, 9, 40})
    for (size_t n : {0, 1, 2, 7, 8, 9, 31, 32, 33, 300, 1000}) {
      test_chain(n, m);
      if (m > 1) test_front(n, m);
      test_equal_rows(n, m);
      if (n > 0 && n < 100) test_archive(n, m);
    }
  test_grid(40, 1);
  test_grid(30, 2);
  test_grid(11, 3);
  test_grid(6, 4);
  test_grid(4, 5);
  test_grid(2, 10);
  test_many_rows(30000, 2);
  test_many_rows(30000, 3);
  test_order_of_numbers();
  if (failures > 0) std::printf("%d checks failed\n", failures);
  return failures > 0;
}
