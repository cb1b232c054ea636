// Random degenerate calls of every function of the C interface, for the sanitizers to watch.
// Usage: test_fuzz [rounds [seed [threads]]]. What must hold for any input is checked as well.
// With threads, that many do all this at once, each with seeds of its own.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <random>
#include <thread>
#include <vector>

#include "lamoo_fast.h"

namespace {

using Values = std::vector<double>;
using std::size_t;

struct Case {
  size_t n, m;
  Values F, ref;
  bool trusted;   // all finite, and so are the distances to ref: results must make sense
  bool moderate;  // and no product of distances can overflow or vanish: volumes must agree
};

class Random {
 public:
  explicit Random(std::uint64_t seed) : bits_(seed) {}
  size_t below(size_t n) { return static_cast<size_t>(bits_() % n); }
  bool one_in(size_t n) { return below(n) == 0; }
  double unit() { return std::uniform_real_distribution<double>()(bits_); }

 private:
  std::mt19937_64 bits_;
};

constexpr double extremes[] = {0.0,     -0.0,     1.0,    -1.0, 5e-324, -5e-324, 1e-310,
                               -1e-310, 1e-160, 1e160, 1e308, -1e308, 1.7e308, -1.7e308};

double coordinate(Random& random, size_t kind) {
  switch (kind) {
    case 0: return static_cast<double>(random.below(3));
    case 1: return static_cast<double>(random.below(7)) * 0.25 - 0.5;
    case 2: return random.unit();
    case 3: return 0.5 + 1e-13 * static_cast<double>(random.below(4));
    case 4: return random.unit() * std::ldexp(1.0, static_cast<int>(random.below(1900)) - 950);
    default: return extremes[random.below(sizeof extremes / sizeof *extremes)];
  }
}

Case draw(Random& random) {
  Case c;
  c.n = random.below(13);
  c.m = random.one_in(8) ? 1 + random.below(40) : 1 + random.below(6);
  if (random.one_in(100)) {  // more than a word of points, and enough for threads
    c.m = 1 + random.below(5);
    c.n = c.m < 4 ? random.below(3000) : random.below(200);
  }
  const size_t kind = random.below(6);
  c.F.resize(c.n * c.m);
  for (double& x : c.F) x = coordinate(random, kind);
  if (c.n > 0 && random.one_in(8))  // all rows equal
    for (size_t i = 0; i < c.F.size(); ++i) c.F[i] = c.F[i % c.m];
  if (c.n > 1 && random.one_in(2))  // one row twice
    std::copy_n(c.F.begin(), c.m, c.F.end() - static_cast<std::ptrdiff_t>(c.m));
  c.ref.resize(c.m);
  for (double& x : c.ref)
    x = random.one_in(2) ? 1.0 : coordinate(random, random.one_in(4) ? 5 : kind);
  if (random.one_in(20) && c.n > 0) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    const double bad[] = {std::numeric_limits<double>::quiet_NaN(), infinity, -infinity};
    for (size_t k = 1 + random.below(4); k > 0; --k) {
      double& x = random.one_in(4) ? c.ref[random.below(c.m)] : c.F[random.below(c.F.size())];
      x = bad[random.below(3)];
    }
  }
  const auto finite = [](double x) { return std::isfinite(x); };
  const auto usual = [](double x) { return x == 0.0 || (1e-6 < std::fabs(x) && std::fabs(x) < 10); };
  c.trusted = std::all_of(c.F.begin(), c.F.end(), finite) &&
              std::all_of(c.ref.begin(), c.ref.end(), finite);
  for (size_t i = 0; i < c.F.size(); ++i)
    c.trusted = c.trusted && std::isfinite(c.ref[i % c.m] - c.F[i]);
  c.moderate = std::all_of(c.F.begin(), c.F.end(), usual) &&
               std::all_of(c.ref.begin(), c.ref.end(), usual);
  return c;
}

thread_local long round_number = 0;

void check(bool ok, const char* what, const Case& c) {
  if (ok) return;
  std::printf("FAILED in round %ld: %s\nn = %zu, m = %zu, ref =", round_number, what, c.n, c.m);
  for (double x : c.ref) std::printf(" %a", x);
  for (size_t i = 0; i < c.F.size(); ++i) std::printf(i % c.m == 0 ? "\n%a" : " %a", c.F[i]);
  std::printf("\n");
  std::exit(1);
}

constexpr double more = 1 + 1e-12;  // what rounding may add

void volumes(const Case& c, Random& random) {
  const double* F = c.F.data();
  const double* ref = c.ref.data();
  const lamoo_run two = {2, nullptr, nullptr};
  const lamoo_run* run = random.one_in(16) ? &two : nullptr;
  double volume = -1.0;
  check(lamoo_hypervolume(F, c.n, c.m, ref, run, &volume) == LAMOO_OK, "status", c);

  const size_t middle = random.below(c.n + 1);
  const size_t start[] = {0, middle, middle, c.n};
  double parts[3] = {-1.0, -1.0, -1.0};
  check(lamoo_hypervolume_batch(F, start, 3, c.m, ref, run, parts) == LAMOO_OK, "status", c);

  Values all(c.n, -1.0), front(c.n, -1.0), gain(middle, -1.0);
  check(lamoo_hv_contributions(F, c.n, c.m, ref, 0, run, all.data()) == LAMOO_OK &&
            lamoo_hv_contributions(F, c.n, c.m, ref, 1, run, front.data()) == LAMOO_OK,
        "status", c);
  check(lamoo_hv_improvement(F, middle, F + middle * c.m, c.n - middle, c.m, ref, run,
                             gain.data()) == LAMOO_OK,
        "status", c);

  std::vector<size_t> chosen(c.n / 2, c.n);
  check(lamoo_hv_subset_selection(F, c.n, c.m, ref, c.n / 2, run, chosen.data()) == LAMOO_OK,
        "status", c);
  for (size_t i : chosen) check(i < c.n, "a row is chosen", c);
  size_t least = 0;
  check(c.n == 0 || lamoo_hv_least_contributor(F, c.n, c.m, ref, run, &least) == LAMOO_OK,
        "status", c);

  double value = -1.0, error = -1.0;
  std::uint64_t used = 0;
  check(lamoo_hv_approx(F, c.n, c.m, ref, 64, random.one_in(2) ? 0.0 : 0.1, random.below(9),
                        run, &value, &error, &used) == LAMOO_OK,
        "status", c);

  Values own(c.n, -1.0), own_error(c.n, -1.0), added(middle, -1.0), added_error(middle, -1.0);
  check(lamoo_hv_approx_contributions(F, c.n, c.m, ref, 1, 64, 3, run, own.data(),
                                      own_error.data(), &used) == LAMOO_OK &&
            lamoo_hv_approx_improvement(F, middle, F + middle * c.m, c.n - middle, c.m, ref, 64, 3,
                                        run, added.data(), added_error.data(), &used) == LAMOO_OK,
        "status", c);

  if (!c.trusted) return;
  for (size_t i = 0; i < c.n; ++i) check(own[i] >= 0.0 && own_error[i] >= 0.0, "own >= 0", c);
  for (size_t i = 0; i < middle; ++i) check(added[i] >= 0.0, "added >= 0", c);
  check(volume >= 0.0 && parts[0] >= 0.0 && parts[2] >= 0.0, "volume >= 0", c);
  check(parts[1] == 0.0, "volume of no row", c);
  check(value >= 0.0, "estimate >= 0", c);
  for (size_t i = 0; i < c.n; ++i) check(all[i] >= 0.0 && front[i] >= 0.0, "contribution >= 0", c);
  for (double x : gain) check(x >= 0.0, "improvement >= 0", c);

  if (!c.moderate) return;
  check(parts[0] <= volume * more && parts[2] <= volume * more, "volume of a part", c);
  check(error >= 0.0 && error < 10 * volume + 1e-300, "standard error", c);
  double sum = 0.0;
  for (size_t i = 0; i < c.n; ++i)
    check(front[least] <= front[i] * more, "the least contributor", c);
  for (size_t i = 0; i < c.n; ++i) {
    check(all[i] <= front[i] * more, "dominated rows take away", c);
    check(front[i] <= volume * more, "contribution <= volume", c);
    sum += front[i];
  }
  check(sum <= volume * more, "contributions <= volume", c);
  for (double x : gain) check(x <= parts[0] * more, "improvement <= volume of candidates", c);
  for (size_t i = 0; i < c.n; ++i)
    check(own_error[i] > 0.0 || std::fabs(own[i] - front[i]) <= 1e-11 * front[i],
          "own part without error is exact", c);
}

// How many boxes of lower and upper corners x lies in.
size_t containing(const Values& lower, const Values& upper, const double* x, size_t m) {
  size_t count = 0;
  for (size_t i = 0; i < lower.size(); i += m) {
    bool inside = true;
    for (size_t j = 0; j < m; ++j) inside = inside && lower[i + j] <= x[j] && x[j] < upper[i + j];
    count += inside ? 1 : 0;
  }
  return count;
}

void boxes(const Case& c, Random& random) {
  Values lower[2], upper[2];
  for (const int dominated : {0, 1}) {
    lamoo_boxes* made = nullptr;
    const lamoo_status status = lamoo_boxes_new(c.F.data(), c.n, c.m, c.ref.data(), dominated, 3000,
                                                nullptr, &made);
    if (status == LAMOO_TOO_MANY_BOXES) return;
    check(status == LAMOO_OK, "status", c);
    lower[dominated].assign(lamoo_boxes_size(made) * c.m, 9.0);
    upper[dominated].assign(lamoo_boxes_size(made) * c.m, -9.0);
    lamoo_boxes_corners(made, lower[dominated].data(), upper[dominated].data());
    lamoo_boxes_free(made);
    for (size_t i = 0; i < lower[dominated].size() && c.trusted; ++i)
      check(lower[dominated][i] < upper[dominated][i], "no box is empty", c);
  }
  if (!c.trusted) return;
  Values x(c.m);
  for (size_t i = 0; i < std::min<size_t>(c.n, 20); ++i) {
    for (size_t j = 0; j < c.m; ++j)  // on corners as a rule
      x[j] = random.one_in(4) ? coordinate(random, 1) : c.F[random.below(c.n) * c.m + j];
    bool below = true, dominated = false;
    for (size_t j = 0; j < c.m; ++j) below = below && x[j] < c.ref[j];
    for (size_t k = 0; k < c.n; ++k) {
      bool by = true;
      for (size_t j = 0; j < c.m; ++j) by = by && c.F[k * c.m + j] <= x[j];
      dominated = dominated || by;
    }
    for (const bool part : {false, true})
      check(containing(lower[part], upper[part], x.data(), c.m) == (below && dominated == part),
            "in one box of its part, in none of the other", c);
  }
  if (!c.moderate) return;
  double volume = 0.0, exact = 0.0;
  for (size_t i = 0; i < lower[1].size(); i += c.m) {
    double product = 1.0;
    for (size_t j = 0; j < c.m; ++j) product *= upper[1][i + j] - lower[1][i + j];
    volume += product;
  }
  check(lamoo_hypervolume(c.F.data(), c.n, c.m, c.ref.data(), nullptr, &exact) == LAMOO_OK, "status", c);
  check(std::fabs(volume - exact) <= 1e-11 * exact, "boxes have the volume of the rows", c);
}

void indicators(const Case& c, Random& random) {
  const size_t middle = random.below(c.n + 1);
  if (middle == 0 || middle == c.n) return;
  const lamoo_indicator_kind kinds[] = {LAMOO_EPSILON_ADDITIVE, LAMOO_EPSILON_MULT, LAMOO_IGD_PLUS};
  for (const lamoo_indicator_kind kind : kinds) {
    double value = -1.0;
    check(lamoo_indicator(kind, c.F.data(), middle, c.F.data() + middle * c.m, c.n - middle, c.m,
                          nullptr, nullptr, &value) == LAMOO_OK,
          "status", c);
    check(!c.moderate || kind != LAMOO_IGD_PLUS || value >= 0.0, "IGD+ >= 0", c);
  }
}

std::vector<std::uint8_t> dominance(const Case& c, Random& random) {
  std::vector<std::uint8_t> first(c.n, 9), weakly(c.n, 9);
  std::vector<std::int64_t> rank(c.n, -1), count(c.n, -1);
  const lamoo_run three = {3, nullptr, nullptr};
  const lamoo_run* run = random.one_in(2) ? nullptr : &three;
  check(lamoo_is_nondominated(c.F.data(), c.n, c.m, 0, nullptr, first.data()) == LAMOO_OK &&
            lamoo_is_nondominated(c.F.data(), c.n, c.m, 1, run, weakly.data()) == LAMOO_OK &&
            lamoo_pareto_rank(c.F.data(), c.n, c.m, SIZE_MAX, SIZE_MAX, run,
                              rank.data()) == LAMOO_OK &&
            lamoo_dominance_count(c.F.data(), c.n, c.m, run, count.data()) == LAMOO_OK,
        "status", c);
  std::vector<std::int64_t> some(c.n, -1);
  const size_t fronts = 1 + random.below(4), points = 1 + random.below(c.n + 1);
  Values crowding(c.n, -1.0);
  check(lamoo_pareto_rank(c.F.data(), c.n, c.m, fronts, points, run, some.data()) == LAMOO_OK &&
            lamoo_crowding_distance(c.F.data(), c.n, c.m, random.one_in(2) ? nullptr : some.data(),
                                    run, crowding.data()) == LAMOO_OK,
        "status", c);
  for (size_t i = 0; i < c.n && c.trusted; ++i) {
    check(some[i] <= rank[i] && some[i] <= static_cast<std::int64_t>(fronts), "some fronts", c);
    check(crowding[i] >= 0.0, "crowding distance >= 0", c);
    check(weakly[i] == (rank[i] == 0) && weakly[i] == (count[i] == 0), "mask, rank, count", c);
    check(first[i] <= weakly[i] && rank[i] <= count[i], "mask, rank and count in order", c);
  }
  return first;
}

void archive(const Case& c, const std::vector<std::uint8_t>& mask, Random& random) {
  lamoo_archive* members = nullptr;
  check(lamoo_archive_new(c.m, c.ref.data(), &members) == LAMOO_OK, "status", c);
  std::vector<std::uint8_t> accepted(c.n, 9);
  const size_t middle = random.below(c.n + 1);
  double volume = -1.0;
  check(lamoo_archive_add(members, c.F.data(), middle, nullptr, accepted.data()) == LAMOO_OK &&
            lamoo_archive_hypervolume(members, nullptr, &volume) == LAMOO_OK &&
            lamoo_archive_add(members, c.F.data() + middle * c.m, c.n - middle, nullptr,
                              accepted.data() + middle) == LAMOO_OK &&
            lamoo_archive_hypervolume(members, nullptr, &volume) == LAMOO_OK,
        "status", c);
  const size_t size = lamoo_archive_size(members);
  Values front(size * c.m);
  check(lamoo_archive_front(members, front.data()) == LAMOO_OK, "status", c);
  std::vector<std::uint8_t> keep(size);
  for (std::uint8_t& k : keep) k = random.one_in(2);
  check(lamoo_archive_keep(members, keep.data()) == LAMOO_OK, "status", c);
  const auto kept = static_cast<size_t>(std::count(keep.begin(), keep.end(), 1));
  check(!c.trusted || lamoo_archive_size(members) == kept, "members kept", c);
  double less = -1.0;
  std::vector<std::uint8_t> known(c.n, 9);
  check(lamoo_archive_add(members, c.F.data(), std::min<size_t>(c.n, 1), nullptr, known.data()) ==
                LAMOO_OK &&
            lamoo_archive_hypervolume(members, nullptr, &less) == LAMOO_OK,
        "status", c);
  check(!c.moderate || less <= volume * more, "a part of the archive has no more volume", c);
  lamoo_archive_free(members);
  if (!c.trusted) return;

  std::vector<Values> wanted;
  for (size_t i = 0; i < c.n; ++i)
    if (mask[i] != 0) {
      const double* row = c.F.data() + i * c.m;
      wanted.emplace_back(row, row + c.m);
      check(accepted[i] == 1, "a row of the front is accepted", c);
    }
  std::sort(wanted.begin(), wanted.end());
  check(size == wanted.size(), "archive as large as the front", c);
  for (size_t i = 0; i < size; ++i)
    for (size_t j = 0; j < c.m; ++j)
      check(front[i * c.m + j] == wanted[i][j], "archive equals the front", c);
  double exact = -1.0;
  check(lamoo_hypervolume(c.F.data(), c.n, c.m, c.ref.data(), nullptr, &exact) == LAMOO_OK, "status", c);
  check(!c.moderate || (volume <= exact * more && exact <= volume * more), "archive's volume", c);
}

}  // namespace

int main(int argc, char** argv) {
  const long rounds = argc > 1 ? std::atol(argv[1]) : 100000;
  const std::uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
  const long count = argc > 3 ? std::atol(argv[3]) : 1;
  const auto fuzz = [&](std::uint64_t own_seed) {
    Random random(own_seed);
    for (round_number = 0; round_number < rounds; ++round_number) {
      const Case c = draw(random);
      volumes(c, random);
      archive(c, dominance(c, random), random);
      indicators(c, random);
      boxes(c, random);
    }
  };
  std::vector<std::thread> threads;
  for (long i = 1; i < count; ++i) threads.emplace_back(fuzz, seed + static_cast<std::uint64_t>(i));
  fuzz(seed);
  for (std::thread& thread : threads) thread.join();
  std::printf("%ld rounds of a dozen calls\n", rounds * count);
  return 0;
}
