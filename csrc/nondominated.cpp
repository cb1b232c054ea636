#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <numeric>
#include <vector>

#include "block_staircase.hpp"
#include "dominance.hpp"
#include "few_rows.hpp"
#include "low_fronts.hpp"
#include "parallel.hpp"
#include "sorting.hpp"
#include "tiles.hpp"

namespace lamoo {
namespace {

// ---- a filter: rows that dominate many others take most rows away in one pass ----

constexpr std::size_t pivot_lanes = 8;

// Rows kept objective by objective in groups of eight, so that a row is compared with eight at once.
struct Pivots {
  // The best of some rows of F, spread evenly.
  Pivots(const double* F, std::size_t n, std::size_t objectives, std::size_t groups)
      : m(objectives),
        n_groups(groups),
        rows(groups * m * pivot_lanes, std::numeric_limits<double>::infinity()),
        worth(groups * pivot_lanes, -1.0),
        top(m, -std::numeric_limits<double>::infinity()),
        scale(m) {
    const std::size_t sample = 64 * groups, step = std::max<std::size_t>(n / sample, 1);
    std::vector<double> low(m, std::numeric_limits<double>::infinity());
    for (std::size_t i = 0; i < n; i += step)
      for (std::size_t j = 0; j < m; ++j) {
        low[j] = std::min(low[j], F[i * m + j]);
        top[j] = std::max(top[j], F[i * m + j]);
      }
    for (std::size_t j = 0; j < m; ++j) scale[j] = low[j] < top[j] ? 1.0 / (top[j] - low[j]) : 0.0;
    for (std::size_t i = 0; i < n; i += step) offer(F + i * m);
  }

  double* group(std::size_t g) { return rows.data() + g * m * pivot_lanes; }

  // x takes the place of the least worthy pivot that is worth less. The worth is the share of the
  // box of the sample that x dominates, in the objectives in which it is wide.
  void offer(const double* x) {
    double gain = 1.0;
    for (std::size_t j = 0; j < m; ++j)
      if (scale[j] > 0.0) gain *= std::max((top[j] - x[j]) * scale[j], 0.0);
    if (!(gain > worth[least])) return;
    worth[least] = gain;
    for (std::size_t j = 0; j < m; ++j)
      group(least / pivot_lanes)[j * pivot_lanes + least % pivot_lanes] = x[j];
    least = static_cast<std::size_t>(std::min_element(worth.begin(), worth.end()) - worth.begin());
  }

  std::size_t m, n_groups;
  std::vector<double> rows, worth, top, scale;
  std::size_t least = 0;  // the pivot worth least
};

// ---- four or more objectives: a tree of boxes over the rows ----

constexpr std::size_t box_lanes = 32;

// Distinct rows, near ones together, in leaves of 32; over them nodes of 32 children. For each child
// the least place in each column. Places are cut to 16 bits: where that loses something, what they
// let through is tested again.
struct Boxes {
  explicit Boxes(const Columns& all);

  bool is_exact() const { return shift == 0; }
  // Is the i-th row before the given places in every column?
  bool is_before(std::size_t i, const Index* place) const {
    if (i >= rows.size()) return false;
    for (std::size_t c = 0; c < columns.count(); ++c)
      if (columns.place(c)[rows[i]] >= place[c]) return false;
    return true;
  }

  const Columns& columns;
  unsigned shift = 0;
  std::vector<Index> rows;                         // in the order of the leaves
  std::vector<std::vector<std::uint16_t>> levels;  // [level][node][column][child], leaves first
};

// Rows along the Z-shaped curve: by the first bits of all places, then by the second bits, ...
std::vector<Index> rows_along_curve(const Columns& columns) {
  const std::size_t n = columns.n(), used = std::min<std::size_t>(columns.count(), 52);
  unsigned bits = 1;
  while (n >> bits != 0) ++bits;
  const unsigned rounds = std::min<unsigned>(bits, 52 / static_cast<unsigned>(used));
  std::vector<Record> records(n);
  for (std::size_t k = 0; k < n; ++k) {
    std::uint64_t code = 0;
    for (unsigned round = 1; round <= rounds; ++round)
      for (std::size_t c = 0; c < used; ++c)
        code = code << 1 | (columns.place(c)[k] >> (bits - round) & 1u);
    records[k] = {order_key(static_cast<double>(code)), 0, static_cast<Index>(k)};
  }
  Sorter().sort(records.data(), records.data() + n);
  std::vector<Index> rows(n);
  for (std::size_t i = 0; i < n; ++i) rows[i] = records[i].row;
  return rows;
}

Boxes::Boxes(const Columns& all) : columns(all), rows(rows_along_curve(all)) {
  constexpr std::uint16_t unused = std::numeric_limits<std::uint16_t>::max();
  while (rows.size() >> shift >= unused) ++shift;
  const std::size_t width = columns.count() * box_lanes;
  std::size_t children = rows.size();
  do {
    const std::size_t nodes = (children + box_lanes - 1) / box_lanes;
    std::vector<std::uint16_t> level(nodes * width, unused);
    for (std::size_t i = 0; i < children; ++i)
      for (std::size_t c = 0; c < columns.count(); ++c) {
        std::uint16_t& least = level[i / box_lanes * width + c * box_lanes + i % box_lanes];
        if (levels.empty()) {
          least = static_cast<std::uint16_t>(columns.place(c)[rows[i]] >> shift);
        } else {
          const std::uint16_t* below = levels.back().data() + i * width + c * box_lanes;
          least = *std::min_element(below, below + box_lanes);
        }
      }
    levels.push_back(std::move(level));
    children = nodes;
  } while (children > 1);
}

}  // namespace
}  // namespace lamoo

#define LAMOO_KERNEL_FILE "filter_kernel.hpp"
#include "foreach_level.hpp"
#define LAMOO_KERNEL_FILE "box_kernel.hpp"
#include "foreach_level.hpp"

namespace lamoo {
namespace {

// The rows that no pivot dominates, in order.
std::vector<Index> filtered(const double* F, std::size_t n, const Pivots& pivots, bool improve,
                            const Run& run) {
  constexpr std::size_t chunk = 1u << 16;
  std::vector<std::vector<Index>> parts((n + chunk - 1) / chunk);
  parallel_for(parts.size(), run.n_threads(), run, [&] {
    return [&, own = pivots](std::size_t i) mutable {
      const std::size_t first = i * chunk, last = std::min(n, first + chunk);
      std::vector<Index> kept(last - first);
      kept.resize(LAMOO_DISPATCH(filter)(F, first, last, own, improve, kept.data()));
      parts[i] = std::move(kept);
    };
  });
  std::vector<Index> kept;
  for (const std::vector<Index>& part : parts) kept.insert(kept.end(), part.begin(), part.end());
  return kept;
}

std::vector<double> gathered(const double* F, const std::vector<Index>& rows, std::size_t m) {
  std::vector<double> out(rows.size() * m);
  for (std::size_t k = 0; k < rows.size(); ++k)
    std::copy_n(F + rows[k] * m, m, out.begin() + static_cast<std::ptrdiff_t>(k * m));
  return out;
}

// dominated[k]: for the k-th of the given rows, distinct and in lexicographic order.
void mark_distinct(const double* F, const std::vector<Index>& rows, std::size_t m, const Run& run,
                   std::uint8_t* dominated) {
  if (m <= 2) {
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t k = 0; k < rows.size(); ++k) {
      const double last = F[rows[k] * m + m - 1];
      dominated[k] = least <= last || (m == 1 && k > 0);
      if (!dominated[k]) least = last;
    }
  } else if (m == 3) {
    BlockStaircase front;
    for (std::size_t k = 0; k < rows.size(); ++k) {
      if (k % 4096 == 0) run.check();
      const double* x = F + rows[k] * m;
      dominated[k] = !front.insert(x[1], x[2], [](double, double, double) {});
    }
  } else if (!rows.empty()) {
    constexpr std::size_t chunk = 512, few = 4096;
    const Columns columns(F, rows, m, 0, run);
    const Boxes boxes(columns);
    const std::size_t n = rows.size();
    parallel_for((n + chunk - 1) / chunk, n < few ? 1 : run.n_threads(), run, [&] {
      return [&, place = std::vector<Index>(m), limit = std::vector<std::uint16_t>(m)](
                 std::size_t i) mutable {
        const std::size_t first = i * chunk;
        LAMOO_DISPATCH(mark_dominated)
        (boxes, first, std::min(n, first + chunk), place.data(), limit.data(), dominated);
      };
    });
  }
}

}  // namespace

void is_nondominated(const double* F, std::size_t n, std::size_t m, bool keep_weakly,
                     std::uint8_t* out, const Run& run) {
  constexpr std::size_t enough = 200, many = 2000, very_many = 30000;
  if (n <= few_rows) {
    std::uint32_t dominators[few_rows];
    find_dominators(F, n, m, !keep_weakly, dominators);
    for (std::size_t i = 0; i < n; ++i) out[i] = dominators[i] == 0;
    return;
  }
  checked_row_count(n);

  std::vector<Index> left;
  std::vector<double> rows;
  if (n < enough) {
    left.resize(n);
    std::iota(left.begin(), left.end(), Index{0});
  } else {
    left = filtered(F, n, Pivots(F, n, m, 1), true, run);
    rows = gathered(F, left, m);
    if (left.size() > many && m > 3) {
      const std::vector<Index> kept =
          filtered(rows.data(), left.size(), Pivots(rows.data(), left.size(), m, 8), false, run);
      rows = gathered(rows.data(), kept, m);
      for (std::size_t k = 0; k < kept.size(); ++k) left[k] = left[kept[k]];
      left.resize(kept.size());
    }
    F = rows.data();
    std::fill(out, out + n, std::uint8_t{0});
  }

  if (m == 2 && left.size() >= enough)
    return keep_front2(F, left.data(), left.size(), keep_weakly, run, out);
  if (m == 3 && left.size() >= very_many)
    return keep_front3(F, left.data(), left.size(), keep_weakly, run, out);

  const LexicographicOrder order(F, left.size(), m, run);
  std::vector<Index> distinct;
  for (std::size_t k = 0; k < left.size(); ++k)
    if (order.equal[k] == k) distinct.push_back(order.row[k]);
  std::vector<std::uint8_t> dominated(distinct.size());
  mark_distinct(F, distinct, m, run, dominated.data());
  std::size_t d = 0;
  for (std::size_t k = 0; k < left.size(); ++k) {
    const bool first = order.equal[k] == k;
    d += first;
    out[left[order.row[k]]] = !dominated[d - 1] && (first || keep_weakly);
  }
}

}  // namespace lamoo
