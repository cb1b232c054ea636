#include "low_fronts.hpp"

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "block_staircase.hpp"
#include "buckets.hpp"
#include "parallel.hpp"

namespace lamoo {

using std::size_t;

namespace {

struct Row2 {
  double x, y;
  Index number;

  double height() const { return y; }
  bool equals(const Row2& other) const { return x == other.x && y == other.y; }
  friend bool operator<(const Row2& a, const Row2& b) {
    if (a.x != b.x) return a.x < b.x;
    return a.y < b.y || (a.y == b.y && a.number < b.number);
  }
};

struct Row3 {
  double x, y, z;
  Index number;

  double height() const { return 0.0; }
  bool equals(const Row3& other) const { return x == other.x && y == other.y && z == other.z; }
  friend bool operator<(const Row3& a, const Row3& b) {
    if (a.x != b.x) return a.x < b.x;
    if (a.y != b.y) return a.y < b.y;
    return a.z < b.z || (a.z == b.z && a.number < b.number);
  }
};

template <class Row, class Get>
Buckets<Row> buckets_of(const double* F, size_t n, size_t m, const Get& get, bool only_front,
                        const Run& run) {
  double low = F[0], high = F[0];
  for (size_t i = 0; i < n; ++i) {
    low = std::min(low, F[m * i]);
    high = std::max(high, F[m * i]);
  }
  return {n, get, low, high, only_front, run};
}

// y ascending, z descending.
using Steps = std::vector<BlockStaircase::Step>;

Steps merged(const Steps& a, const Steps& b) {
  using Step = BlockStaircase::Step;
  Steps all(a.size() + b.size()), stairs;
  std::merge(a.begin(), a.end(), b.begin(), b.end(), all.begin(), [](const Step& s, const Step& t) {
    return s.y < t.y || (s.y == t.y && s.z < t.z);
  });
  double top = std::numeric_limits<double>::infinity();
  for (const Step& step : all) {
    if (step.z >= top) continue;
    top = step.z;
    stairs.push_back(step);
  }
  return stairs;
}

bool covers(const Steps& steps, double y, double z) {
  const auto after = std::upper_bound(
      steps.begin(), steps.end(), y,
      [](double value, const BlockStaircase::Step& step) { return value < step.y; });
  return after != steps.begin() && after[-1].z <= z;
}

}  // namespace

// Threads share out the buckets: each begins at the least y of those before it.
void keep_front2(const double* F, const Index* number, size_t n, bool keep_weakly, const Run& run,
                 std::uint8_t* out) {
  const auto get = [=](size_t i) { return Row2{F[2 * i], F[2 * i + 1], number[i]}; };
  auto buckets = buckets_of<Row2>(F, n, 2, get, true, run);
  constexpr size_t group = Buckets<Row2>::group;
  parallel_for((buckets.size() + group - 1) / group, buckets.threads(), run, [&] {
    return [&, sorter = LocalSorter<Row2>()](size_t g) mutable {
      for (size_t b = g * group; b < std::min(buckets.size(), (g + 1) * group); ++b) {
        const auto [first, last] = buckets.sort(b, sorter);
        const Row2* step = nullptr;
        for (const Row2* p = first; p < last; ++p) {
          if (p->y < (step != nullptr ? step->y : buckets.top(b)))
            step = p;
          else if (!keep_weakly || step == nullptr || !p->equals(*step))
            continue;
          out[p->number] = 1;
        }
      }
    };
  });
}

// In the order of x, rows enter a staircase in y and z, unless it covers them. Threads share out
// parts of the rows, each with a staircase of its own, and then hold it against those before it.
void keep_front3(const double* F, const Index* number, size_t n, bool keep_weakly, const Run& run,
                 std::uint8_t* out) {
  constexpr size_t check_every = 4096;
  const auto get = [=](size_t i) {
    return Row3{F[3 * i], F[3 * i + 1], F[3 * i + 2], number[i]};
  };
  const auto rows = buckets_of<Row3>(F, n, 3, get, false, run).sorted(run);
  const int threads = std::min(run.n_threads(), 64);
  const size_t parts = static_cast<size_t>(threads);
  std::vector<std::uint8_t> covered(n);
  std::vector<Steps> before(parts);  // the staircase of a part, then of all parts before it
  const auto begin = [=](size_t part) { return n * part / parts; };
  parallel_for(parts, threads, run, [&] {
    return [&](size_t part) {
      BlockStaircase front;
      for (size_t i = begin(part); i < begin(part + 1); ++i) {
        if (i % check_every == 0) run.check();
        covered[i] = !front.insert(rows[i].y, rows[i].z, [](double, double, double) {});
      }
      if (parts > 1) front.for_each([&](const auto& step) { before[part].push_back(step); });
    };
  });
  Steps so_far;
  for (Steps& part : before) {
    Steps with_it = merged(so_far, part);
    part = std::exchange(so_far, std::move(with_it));
  }
  constexpr size_t pieces = 8;  // of a part: the first part has nothing before it
  parallel_for((parts - 1) * pieces, threads, run, [&] {
    return [&](size_t task) {
      const size_t part = 1 + task / pieces, piece = task % pieces, first = begin(part);
      const size_t size = begin(part + 1) - first;
      const size_t end = first + size * (piece + 1) / pieces;
      for (size_t i = first + size * piece / pieces; i < end; ++i)
        if (covered[i] == 0 && covers(before[part], rows[i].y, rows[i].z)) covered[i] = 1;
    };
  });
  for (size_t i = 0, distinct = 0; i < n; ++i) {
    if (!rows[i].equals(rows[distinct])) distinct = i;
    out[rows[i].number] = covered[distinct] == 0 && (i == distinct || keep_weakly);
  }
}

}  // namespace lamoo
