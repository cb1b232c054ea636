// A local upper bound u of a front is the upper corner of a largest box that no point dominates. In
// each objective j one point z^j bounds it: z^j_j = u_j, and z^j_k < u_k in all others [1, 2]; at
// the edge z^j stands for ref and is -infinity in all others. Where two points share a coordinate,
// the later one counts as larger, so that z^j is unique.
//
// Go from a point x that is not dominated upwards, as far as possible in objective 0, from there in
// objective 1, and so on. The way ends in a local upper bound, in u if u_j is what stops it in
// objective j: if z^j_k <= x_k for all k > j. So these x are a box, from max over j < k of z^j_k to
// u_k: as many boxes as local upper bounds. No cutting takes fewer: just below u, all boxes have
// other upper corners than just below another one. Likewise the dominated part [2, eq. 2].
//
// The points come by objective 0. Then one lies below no local upper bound but those that ref
// bounds in objective 0. These are the zones kept here; what else there is, is final.
//
// [1] Klamroth, Lacour and Vanderpooten, EJOR 245 (2015). [2] Lacour, Klamroth and Fonseca,
// Computers & Operations Research 79 (2017).
#include "boxes.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <map>
#include <numeric>
#include <utility>

#include "dominance.hpp"
#include "scale.hpp"
#include "sorting.hpp"

namespace lamoo {
namespace {

using std::size_t;

constexpr double infinity = std::numeric_limits<double>::infinity();

// The rows that count by objective 0, and after them what stands for ref, one for each objective.
// Objectives in another order: those in which rows share most coordinates come last. It takes fewer
// boxes.
class Front {
 public:
  Front(const double* F, size_t n, size_t m, const double* ref, const Run& run) : m_(m) {
    std::vector<double> rows;
    for (const size_t row : rows_below(F, n, m, ref))
      rows.insert(rows.end(), F + row * m, F + (row + 1) * m);
    const size_t n_below = rows.size() / m;
    std::vector<std::uint8_t> kept(n_below);
    is_nondominated(rows.data(), n_below, m, false, kept.data(), run);

    std::vector<const double*> front;
    for (size_t i = 0; i < n_below; ++i)
      if (kept[i] != 0) front.push_back(rows.data() + i * m);
    size_ = front.size();
    order_objectives(front);
    std::sort(front.begin(), front.end(), [this](const double* a, const double* b) {
      for (const size_t j : objective_)
        if (a[j] != b[j]) return a[j] < b[j];
      return false;
    });
    points_.assign((size_ + m) * m, -infinity);
    for (size_t i = 0; i < size_; ++i)
      for (size_t j = 0; j < m; ++j) points_[i * m + j] = front[i][objective_[j]];
    for (size_t j = 0; j < m; ++j) points_[(size_ + j) * m + j] = ref[objective_[j]];
  }

  size_t m() const { return m_; }
  size_t size() const { return size_; }
  const double* operator[](size_t i) const { return points_.data() + i * m_; }
  Index edge(size_t j) const { return static_cast<Index>(size_ + j); }  // what stands for ref_j
  size_t objective(size_t j) const { return objective_[j]; }            // of the caller
  bool tied() const { return tied_; }

 private:
  void order_objectives(const std::vector<const double*>& front) {
    std::vector<size_t> distinct(m_);
    std::vector<double> values(front.size());
    for (size_t j = 0; j < m_; ++j) {
      std::transform(front.begin(), front.end(), values.begin(),
                     [j](const double* row) { return row[j]; });
      std::sort(values.begin(), values.end());
      distinct[j] = static_cast<size_t>(std::unique(values.begin(), values.end()) - values.begin());
      tied_ = tied_ || distinct[j] < front.size();
    }
    objective_.resize(m_);
    std::iota(objective_.begin(), objective_.end(), size_t{0});
    std::stable_sort(objective_.begin(), objective_.end(),
                     [&](size_t a, size_t b) { return distinct[a] > distinct[b]; });
  }

  size_t m_, size_ = 0;
  bool tied_ = false;
  std::vector<size_t> objective_;
  std::vector<double> points_;
};

// Boxes in the objectives of a Front.
class Found {
 public:
  Found(const Front& front, Part part, size_t limit) : front_(front), part_(part), limit_(limit) {}

  // The box of the local upper bound that points z[0] .. z[m - 1] define.
  void add(const Index* z) {
    ++bounds_;
    const size_t m = front_.m();
    const size_t at = lower_.size();
    lower_.resize(at + m);
    upper_.resize(at + m);
    double* lower = lower_.data() + at;
    double* upper = upper_.data() + at;
    bool empty = false;
    for (size_t j = 0; j < m; ++j) {
      lower[j] = -infinity;
      upper[j] = front_[z[j]][j];
      const bool before = part_ == Part::nondominated;
      for (size_t k = before ? 0 : j + 1; k < (before ? j : m); ++k)
        lower[j] = std::max(lower[j], front_[z[k]][j]);
      if (part_ == Part::dominated && j == m - 1) {
        lower[j] = upper[j];
        upper[j] = front_[front_.edge(j)][j];
      }
      empty = empty || !(lower[j] < upper[j]);
    }
    if (empty) {
      lower_.resize(at);
      upper_.resize(at);
    }
  }

  // Zones are local upper bounds too.
  void check_limit(size_t zones) const {
    if (bounds_ + zones > limit_) throw TooManyBoxes();
  }

  // In the caller's objectives.
  Boxes take(const Run& run) {
    if (front_.tied()) merge(run);
    const size_t m = front_.m();
    Boxes out{std::vector<double>(lower_.size()), std::vector<double>(lower_.size())};
    for (size_t i = 0; i < lower_.size(); i += m)
      for (size_t j = 0; j < m; ++j) {
        out.lower[i + front_.objective(j)] = lower_[i + j];
        out.upper[i + front_.objective(j)] = upper_[i + j];
      }
    return out;
  }

 private:
  // Boxes that differ in one objective only, where one ends and the other begins, become one.
  void merge(const Run& run) {
    for (size_t before = 0; before != lower_.size();) {
      before = lower_.size();
      for (size_t k = 0; k < front_.m(); ++k) {
        run.check();
        merge_along(k);
      }
    }
  }

  void merge_along(size_t k) {
    const size_t m = front_.m();
    // -1, 0 or 1: how a and b compare in all objectives but k.
    const auto compare = [&](size_t a, size_t b) {
      for (size_t j = 0; j < m; ++j) {
        if (j == k) continue;
        if (lower_[a + j] != lower_[b + j]) return lower_[a + j] < lower_[b + j] ? -1 : 1;
        if (upper_[a + j] != upper_[b + j]) return upper_[a + j] < upper_[b + j] ? -1 : 1;
      }
      return 0;
    };
    std::vector<size_t> order;
    for (size_t i = 0; i < lower_.size(); i += m) order.push_back(i);
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      const int way = compare(a, b);
      return way != 0 ? way < 0 : lower_[a + k] < lower_[b + k];
    });
    std::vector<double> lower, upper;
    for (size_t i = 0; i < order.size(); ++i) {
      const size_t at = order[i];
      if (i > 0 && compare(order[i - 1], at) == 0 && upper_[order[i - 1] + k] == lower_[at + k]) {
        upper[upper.size() - m + k] = upper_[at + k];
        continue;
      }
      lower.insert(lower.end(), lower_.data() + at, lower_.data() + at + m);
      upper.insert(upper.end(), upper_.data() + at, upper_.data() + at + m);
    }
    lower_ = std::move(lower);
    upper_ = std::move(upper);
  }

  const Front& front_;
  Part part_;
  size_t limit_, bounds_ = 0;
  std::vector<double> lower_, upper_;
};

// Three objectives: zones are the corners of a staircase, by objective 1. O(n log n)
void sweep(const Front& front, Found& found, const Run& run) {
  const double end = front[front.edge(1)][1];
  std::multimap<double, Index> stairs{{-infinity, front.edge(2)}, {end, front.edge(1)}};
  const auto finish = [&](Index above, Index right, Index left) {
    const Index z[] = {above, right, left};
    found.add(z);
  };
  for (size_t i = 0; i < front.size(); ++i) {
    run.check();
    const double* p = front[i];
    const auto z = static_cast<Index>(i);
    auto right = stairs.upper_bound(p[1]);
    auto left = std::prev(right);
    for (;;) {
      finish(z, right->second, left->second);
      if (!(front[right->second][2] > p[2])) break;
      left = right++;
    }
    stairs.erase(stairs.upper_bound(p[1]), right);
    stairs.emplace_hint(right, p[1], z);
    found.check_limit(stairs.size() - 1);
  }
  for (auto right = std::next(stairs.begin()); right != stairs.end(); ++right)
    finish(front.edge(0), right->second, std::prev(right)->second);
}

// The zones of any number of objectives.
class Zones {
 public:
  explicit Zones(const Front& front) : front_(front), m_(front.m()), columns_(m_) {
    std::vector<Index> z(m_);
    for (size_t j = 0; j < m_; ++j) z[j] = front.edge(j);
    fresh_ = std::move(z);
    settle();
  }

  size_t size() const { return zones_.size() / m_; }
  size_t n_fresh() const { return fresh_.size() / m_; }  // made while a point enters
  const Index* operator[](size_t i) const { return zones_.data() + i * m_; }

  // Point i, the next one: finish(its zone) for all zones that it lies in.
  template <class Finish>
  void enter(Index point, const Finish& finish) {
    find(front_[point]);
    for (const size_t at : hit_) {
      Index* z = zones_.data() + at * m_;
      z[0] = point;
      finish(z);
      z[0] = front_.edge(0);
      split(z, point);
    }
    settle();
  }

 private:
  void find(const double* p) {
    constexpr size_t block = 512;
    std::uint8_t above[block];
    hit_.clear();
    for (size_t first = 0; first < size(); first += block) {
      const size_t count = std::min(block, size() - first);
      std::fill_n(above, count, std::uint8_t{1});
      for (size_t j = 1; j < m_; ++j) {
        const double* u = columns_[j].data() + first;
        const double limit = p[j];
        for (size_t i = 0; i < count; ++i) above[i] &= static_cast<std::uint8_t>(u[i] > limit);
      }
      for (size_t i = 0; i < count; ++i)
        if (above[i] != 0) hit_.push_back(first + i);
    }
  }

  // What is left of a zone beside the point, if it is not part of what is left of another one.
  void split(const Index* z, Index point) {
    const double* p = front_[point];
    for (size_t j = 1; j < m_; ++j) {
      bool whole = true;
      for (size_t k = 1; k < m_; ++k) whole = whole && (k == j || p[j] >= front_[z[k]][j]);
      if (!whole) continue;
      fresh_.insert(fresh_.end(), z, z + m_);
      fresh_[fresh_.size() - m_ + j] = point;
    }
  }

  // Fresh zones take the places of those that were hit.
  void settle() {
    size_t taken = 0;
    for (size_t i = 0; i < fresh_.size(); i += m_) {
      if (taken == hit_.size()) {
        hit_.push_back(size());
        zones_.resize(zones_.size() + m_);
        for (std::vector<double>& column : columns_) column.push_back(0.0);
      }
      put(fresh_.data() + i, hit_[taken++]);
    }
    for (size_t i = hit_.size(); i-- > taken;) {
      const size_t last = size() - 1;
      put(zones_.data() + last * m_, hit_[i]);
      zones_.resize(last * m_);
      for (std::vector<double>& column : columns_) column.pop_back();
    }
    fresh_.clear();
  }

  void put(const Index* z, size_t at) {
    std::copy_n(z, m_, zones_.data() + at * m_);
    for (size_t j = 0; j < m_; ++j) columns_[j][at] = front_[z[j]][j];
  }

  const Front& front_;
  size_t m_;
  std::vector<Index> zones_;                  // [zone][objective]: the points that define it
  std::vector<std::vector<double>> columns_;  // [objective][zone]: the local upper bound
  std::vector<size_t> hit_;                   // ascending
  std::vector<Index> fresh_;
};

void insert_all(const Front& front, Found& found, const Run& run) {
  Zones zones(front);
  for (size_t i = 0; i < front.size(); ++i) {
    run.check();
    zones.enter(static_cast<Index>(i), [&](const Index* z) {
      found.check_limit(zones.n_fresh());
      found.add(z);
    });
    found.check_limit(zones.size());
  }
  for (size_t i = 0; i < zones.size(); ++i) found.add(zones[i]);
}

}  // namespace

Boxes boxes(const double* F, size_t n, size_t m, const double* ref, Part part, size_t limit,
            const Run& run) {
  checked_row_count(n + m);
  const Front front(F, n, m, ref, run);
  Found found(front, part, limit);
  found.check_limit(1);
  if (m == 3)
    sweep(front, found, run);
  else
    insert_all(front, found, run);
  return found.take(run);
}

}  // namespace lamoo
