namespace lamoo {
namespace LAMOO_LEVEL {

#include "lanes_kernel.hpp"
#include "box3_kernel.hpp"

// Points in three objectives of which none dominates another, by x.
class Front3 {
 public:
  Front3(std::size_t capacity, const double* ref) {
    std::copy_n(ref, 3, ref_);
    for (auto& column : columns_) column.assign(capacity + w, nowhere);
  }

  // x is not below that of the points so far.
  void push_back(double x, double y, double z) {
    columns_[0][size_] = x;
    columns_[1][size_] = y;
    columns_[2][size_] = z;
    ++size_;
  }

  // Does a point cover p? Otherwise: how far does p reach along each axis, and where does it belong?
  bool covers(const double* p) {
    const double *x = columns_[0].data(), *y = columns_[1].data(), *z = columns_[2].data();
    const Lanes px = Lanes::all(p[0]), py = Lanes::all(p[1]), pz = Lanes::all(p[2]);
    const Lanes none = Lanes::all(nowhere);
    Lanes hi_y = Lanes::all(ref_[1]), hi_z = Lanes::all(ref_[2]);
    std::size_t i = 0;
    for (; i < size_ && x[i] <= p[0]; i += w) {
      const Lanes qx = Lanes::load(x + i), qy = Lanes::load(y + i), qz = Lanes::load(z + i);
      const LaneMask in_x = qx <= px, in_y = qy <= py, in_z = qz <= pz;
      if ((in_x & in_y & in_z).bits() != 0) return true;
      hi_y = min(hi_y, select(in_x & in_z, qy, none));
      hi_z = min(hi_z, select(in_x & in_y, qz, none));
    }
    hi_[1] = least(hi_y);
    hi_[2] = least(hi_z);
    // The last register may have had some points to the right of p.
    if (i > 0) i -= w;
    place_ = i;
    while (place_ < size_ && x[place_] <= p[0]) ++place_;
    for (; i < size_; i += w) {
      const unsigned hits = ((Lanes::load(y + i) <= py) & (Lanes::load(z + i) <= pz)).bits();
      if (hits == 0) continue;
      hi_[0] = x[i + lowest_bit(hits)];
      return false;
    }
    hi_[0] = ref_[0];
    return false;
  }

  // After covers(p) said no: what p alone covers. Only points below hi_ limit it.
  double exclusive(const double* p) {
    const double *x = columns_[0].data(), *y = columns_[1].data(), *z = columns_[2].data();
    const Lanes hi_y = Lanes::all(hi_[1]), hi_z = Lanes::all(hi_[2]);
    gone_.clear();
    box_.start(p, hi_);
    const Lanes hi_x = Lanes::all(hi_[0]);
    const Lanes px = Lanes::all(p[0]), py = Lanes::all(p[1]), pz = Lanes::all(p[2]);
    for (std::size_t i = 0; i < size_ && x[i] <= hi_[0]; i += w) {
      const Lanes qx = Lanes::load(x + i), qy = Lanes::load(y + i), qz = Lanes::load(z + i);
      box_.add((qx < hi_x) & (qy < hi_y) & (qz < hi_z), qx, qy, qz);
      unsigned dominated = ((px <= qx) & (py <= qy) & (pz <= qz)).bits();
      for (; dominated != 0; dominated &= dominated - 1)
        if (i + lowest_bit(dominated) < size_) gone_.push_back(i + lowest_bit(dominated));
    }
    return box_.uncovered();
  }

  // After exclusive(p): p enters, the points that it dominates leave.
  void replace_dominated(const double* p) {
    // The first of them makes room for p, unless it has the same x: then it is p's place.
    const std::size_t from = gone_.empty() ? size_ : gone_.front();
    const std::size_t place = std::min(place_, from);
    for (std::size_t j = 0; j < 3; ++j) {
      double* column = columns_[j].data();
      std::copy_backward(column + place, column + from, column + from + 1);
      column[place] = p[j];
      for (std::size_t g = 1; g < gone_.size(); ++g) {
        const std::size_t end = g + 1 < gone_.size() ? gone_[g + 1] : size_;
        std::copy(column + gone_[g] + 1, column + end, column + gone_[g] + 1 - g);
      }
      for (std::size_t g = 1; g < gone_.size(); ++g) column[size_ - g] = nowhere;
    }
    if (gone_.empty())
      ++size_;
    else
      size_ -= gone_.size() - 1;
  }

 private:
  static constexpr std::size_t w = Lanes::count;
  static constexpr double nowhere = std::numeric_limits<double>::infinity();

  double ref_[3], hi_[3];
  std::size_t size_ = 0, place_ = 0;
  std::vector<double> columns_[3];  // after the last point, nowhere for at least one register
  std::vector<std::size_t> gone_;   // ascending
  Box3 box_;
};

void exclusive_volumes(const double* columns, std::size_t n, const std::vector<std::size_t>& front,
                       std::size_t begin, std::size_t end, const double* ref, const Run& run,
                       double* out) {
  const double *x = columns, *y = columns + n, *z = columns + 2 * n;
  Front3 before(front.size() + end - begin, ref);
  for (const std::size_t i : front) before.push_back(x[i], y[i], z[i]);
  for (std::size_t i = begin; i < end; ++i) {
    const double p[] = {x[i], y[i], z[i]};
    if (i % 16 == 0) run.check();
    out[i] = 0.0;
    if (before.covers(p)) continue;
    out[i] = before.exclusive(p);
    before.replace_dominated(p);
  }
}

void improvements_over(const double* candidates, std::size_t c, const double* columns,
                       std::size_t n, std::size_t begin, std::size_t end, const double* ref,
                       const Run& run, double* out) {
  Front3 front(n, ref);
  for (std::size_t i = 0; i < n; ++i) front.push_back(columns[i], columns[n + i], columns[2 * n + i]);
  const std::size_t check_every = 1 + 4096 / (n + 1);
  for (std::size_t i = begin; i < end; ++i) {
    const double p[] = {candidates[i], candidates[c + i], candidates[2 * c + i]};
    if (i % check_every == 0) run.check();
    out[i] = front.covers(p) ? 0.0 : front.exclusive(p);
  }
}

void own_volumes(const double* points, std::size_t stride, const std::size_t* start,
                 const std::uint32_t* by, std::size_t begin, std::size_t end, const double* ref,
                 double* out) {
  Box3 box;
  for (std::size_t i = begin; i < end; ++i) {
    box.start(points + i * stride, ref);
    for (std::size_t b = start[i]; b < start[i + 1]; ++b) {
      const double* q = points + by[b] * stride;
      box.add(q[0], q[1], q[2]);
    }
    out[i - begin] = box.uncovered();
  }
}

}  // namespace LAMOO_LEVEL
}  // namespace lamoo
