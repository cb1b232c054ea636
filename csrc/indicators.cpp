#include "indicators.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "parallel.hpp"
#include "sorting.hpp"
#include "within.hpp"

#define LAMOO_KERNEL_FILE "indicator_kernel.hpp"
#include "foreach_level.hpp"

namespace lamoo {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

}  // namespace

double indicator(Indicator which, const double* F, std::size_t n, const double* R, std::size_t k,
                 std::size_t m, const std::uint8_t* inverse, const Run& run) {
  // Columns of F, filled up with its first row.
  constexpr std::size_t lanes = 16, chunk = 16, few = 200000;
  const std::size_t padded = (n + lanes - 1) / lanes * lanes;
  std::vector<double> columns(padded * m);
  for (std::size_t j = 0; j < m; ++j)
    for (std::size_t i = 0; i < padded; ++i)
      columns[j * padded + i] = F[(i < n ? i : 0) * m + j];

  std::vector<double> distance(k);
  const int threads = k * n < few ? 1 : run.n_threads();
  parallel_for((k + chunk - 1) / chunk, threads, run, [&] {
    return [&](std::size_t c) {
      const std::size_t first = c * chunk, size = std::min(chunk, k - first);
      const double* rows = R + first * m;
      double* out = distance.data() + first;
      if (which == Indicator::epsilon_additive)
        LAMOO_DISPATCH(distances_additive)(columns.data(), padded, m, rows, size, out);
      else if (which == Indicator::epsilon_mult)
        LAMOO_DISPATCH(distances_mult)(columns.data(), padded, m, rows, size, inverse, out);
      else
        LAMOO_DISPATCH(distances_plus)(columns.data(), padded, m, rows, size, out);
    };
  });
  const double most = *std::max_element(distance.begin(), distance.end());
  if (which != Indicator::igd_plus || !(0.0 < most && most < infinity)) return most;
  double sum = 0.0;
  for (const double d : distance) sum += d / most;  // which neither overflows nor underflows
  return sum / static_cast<double>(k) * most;
}

void crowding_distance(const double* F, std::size_t n, std::size_t m, const std::int64_t* front,
                       const Run& run, double* out) {
  checked_row_count(n);
  // Differences must not overflow; halves of the least numbers would be 0.
  const double unit = all_within(F, n * m, std::numeric_limits<double>::max() / 2) ? 1.0 : 0.5;
  const auto front_of = [=](Index i) {
    return front != nullptr ? static_cast<std::size_t>(front[i]) : std::size_t{0};
  };
  std::size_t n_fronts = n > 0;
  for (std::size_t i = 0; i < n; ++i)
    n_fronts = std::max(n_fronts, front_of(static_cast<Index>(i)) + 1);

  struct Ends {
    Index first, last;
    bool any;
  };
  std::vector<Record> records(n);
  std::vector<double> gap(n);
  std::vector<Ends> ends(n_fronts);
  Sorter sorter;
  std::fill(out, out + n, 0.0);
  for (std::size_t j = 0; j < m; ++j) {
    run.check();
    const auto at = [=](Index i) { return F[i * m + j] * unit; };
    for (std::size_t i = 0; i < n; ++i)
      records[i] = {order_key(F[i * m + j]), 0, static_cast<Index>(i)};
    sorter.sort(records.data(), records.data() + n);
    std::fill(ends.begin(), ends.end(), Ends{0, 0, false});
    std::fill(gap.begin(), gap.end(), 0.0);
    for (const Record& record : records) {
      const Index i = record.row;
      Ends& end = ends[front_of(i)];
      if (!end.any) {
        end.first = i;
        end.any = true;
      } else {
        const double distance = at(i) - at(end.last);
        gap[i] += distance;
        gap[end.last] += distance;
      }
      end.last = i;
    }
    for (std::size_t i = 0; i < n; ++i) {
      const Ends& end = ends[front_of(static_cast<Index>(i))];
      const double range = at(end.last) - at(end.first);
      if (range > 0.0)
        out[i] += i == end.first || i == end.last ? infinity : gap[i] / range;
    }
  }
  for (std::size_t i = 0; i < n; ++i) out[i] /= static_cast<double>(m);
}

}  // namespace lamoo
