#include "hv_subset.hpp"

#include <algorithm>
#include <cstdint>
#include <queue>
#include <vector>

#include "dominance.hpp"
#include "hypervolume.hpp"
#include "scale.hpp"
#include "sorting.hpp"
#include "uncovered.hpp"

namespace lamoo {

using std::size_t;

namespace {

// The first row that contributes nothing: dominated, repeated or not below ref. n if there is none.
size_t first_idle_row(const double* F, size_t n, size_t m, const double* ref, const Run& run) {
  std::vector<std::uint8_t> kept(n);
  is_nondominated(F, n, m, true, kept.data(), run);
  size_t first = 0;
  while (first < n && kept[first] != 0 && below(F + first * m, ref, m)) ++first;
  const LexicographicOrder order(F, n, m);
  for (size_t k = 0; k < n; ++k)
    if (order.equal[k] != k) first = std::min<size_t>(first, order.row[order.equal[k]]);
  return first;
}

struct Gain {
  double volume;  // as of some round; at most that now
  size_t row;
};

// Whether a comes after b: the largest first, of equal ones the first row.
struct After {
  bool operator()(const Gain& a, const Gain& b) const {
    return a.volume < b.volume || (a.volume == b.volume && a.row > b.row);
  }
};

}  // namespace

size_t hv_least_contributor(const double* F, size_t n, size_t m, const double* ref,
                            const Run& run) {
  if (m < 4) {
    std::vector<double> own(n);
    hv_contributions(F, n, m, ref, true, run, own.data());
    return static_cast<size_t>(std::min_element(own.begin(), own.end()) - own.begin());
  }
  if (const size_t idle = first_idle_row(F, n, m, ref, run); idle < n) return idle;
  const std::vector<size_t> rows = rows_below(F, n, m, ref);
  const Scale scale(m, ref, {{F, rows}});
  return least_cell(columns_of(F, rows, m, scale).data(), n, m, scale.ref().data(), run);
}

void hv_subset_selection(const double* F, size_t n, size_t m, const double* ref, size_t k,
                         const Run& run, size_t* out) {
  std::vector<double> chosen;  // rows of F
  std::vector<double> rows, volumes(n);
  hv_improvement(F, n, nullptr, 0, m, ref, run, volumes.data());
  std::priority_queue<Gain, std::vector<Gain>, After> gains;
  for (size_t i = 0; i < n; ++i) gains.push({volumes[i], i});

  // What a row adds to those chosen before round[row] is known.
  std::vector<size_t> round(n, 0);
  std::vector<Gain> renewed;
  for (size_t chosen_count = 0; chosen_count < k;) {
    run.check();
    const Gain best = gains.top();
    // What adds nothing never will.
    if (round[best.row] == chosen_count || best.volume == 0.0) {
      gains.pop();
      out[chosen_count++] = best.row;
      chosen.insert(chosen.end(), F + best.row * m, F + (best.row + 1) * m);
      continue;
    }
    // Several at once: the tables of the chosen rows are made once, and threads have work.
    constexpr size_t at_once = 16;
    renewed.clear();
    rows.clear();
    while (renewed.size() < at_once && !gains.empty() && round[gains.top().row] < chosen_count) {
      renewed.push_back(gains.top());
      gains.pop();
      const double* row = F + renewed.back().row * m;
      rows.insert(rows.end(), row, row + m);
    }
    hv_improvement(rows.data(), renewed.size(), chosen.data(), chosen_count, m, ref, run,
                   volumes.data());
    for (size_t i = 0; i < renewed.size(); ++i) {
      round[renewed[i].row] = chosen_count;
      gains.push({volumes[i], renewed[i].row});
    }
  }
}

}  // namespace lamoo
