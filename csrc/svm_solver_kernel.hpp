// Training of support vector machines by sequential minimal optimisation. (A part of
// svm_kernel.hpp.)
//
// Maximises sum_t y_t b_t - 1/2 sum_st b_s b_t K_st with sum_t b_t = 0, where b_t = y_t alpha_t is
// between 0 and C for good rows (y = 1) and between -C and 0 for the others. Each step moves two of
// them against each other: i, which has the steepest way up, and the j that then gains most (second
// order working set selection, Fan, Chen and Lin, JMLR 6, 2005). Rows that will hardly leave their
// bound are set aside for a while (shrinking, Joachims, 1999). Of equal rows the first is taken,
// and each row has the same operations at all levels.

namespace lamoo {
namespace LAMOO_LEVEL {

class Solver {
 public:
  // K (n, stride): kernels, symmetric; stride is at least n, rounded up to lanes.
  Solver(const float* K, std::size_t stride, std::size_t n, const std::uint8_t* good, double C)
      : all_(K), all_stride_(stride), low_(n), high_(n), dual_(n), diagonal_(whole(n), 1.0) {
    for (std::size_t t = 0; t < n; ++t) {
      low_[t] = good[t] != 0 ? 0.0 : -C;
      high_[t] = good[t] != 0 ? C : 0.0;
    }
  }

  void solve(double tolerance, const Run& run, double* dual, double* intercept) {
    take_all();
    Extremes now = move(0, 0, 0.0);
    const std::size_t n = dual_.size(), interval = std::max<std::size_t>(n / 2, 100);
    const std::size_t most_steps = std::max<std::size_t>(10000000, 100 * n);
    bool shrinks = true;
    for (std::size_t step = 1; step <= most_steps; ++step) {
      if (now.largest - now.least < tolerance) {
        if (rows_.size() == n) break;
        shrinks = false;
        take_all();
        now = move(0, 0, 0.0);
        continue;
      }
      if (step % 16 == 0) run.check();
      if (shrinks && step % interval == 0) shrink(now);
      const std::size_t i = now.steepest, j = partner(i, now.largest);
      const std::size_t p = rows_[i], q = rows_[j];
      const double curvature = at_least_tiny(diagonal_[i] + diagonal_[j] - 2.0 * row(i)[j]);
      const double room_p = high_[p] - dual_[p], room_q = dual_[q] - low_[q];
      const double by = std::min({(slope_[i] - slope_[j]) / curvature, room_p, room_q});
      if (!(by > 0.0)) break;  // kernels that are no numbers: there is nothing to be learned
      dual_[p] = by == room_p ? high_[p] : dual_[p] + by;
      dual_[q] = by == room_q ? low_[q] : dual_[q] - by;
      mark(i);
      mark(j);
      now = move(i, j, by);
    }
    std::copy(dual_.begin(), dual_.end(), dual);
    *intercept = free_slope(now);
  }

 private:
  static constexpr double infinity = std::numeric_limits<double>::infinity();
  static double at_least_tiny(double x) { return x > 1e-12 ? x : 1e-12; }

  static std::size_t whole(std::size_t n) {  // registers
    return (n + LAMOO_LANES - 1) / LAMOO_LANES * LAMOO_LANES;
  }

  struct Extremes {
    double largest, least;  // slope of the rows that may go up, and of those that may go down
    std::size_t steepest;
  };

  const float* row(std::size_t i) const { return K_ + i * stride_; }

  void mark(std::size_t i) {
    const std::size_t t = rows_[i];
    up_[i] = dual_[t] < high_[t] ? 0.0 : -infinity;
    down_[i] = dual_[t] > low_[t] ? 0.0 : infinity;
  }

  // Has all rows active, with their slopes.
  void take_all() {
    const std::size_t n = dual_.size();
    K_ = all_;
    stride_ = all_stride_;
    width_ = whole(n);
    rows_.resize(n);
    slope_.assign(width_, 0.0);
    up_.assign(width_, -infinity);
    down_.assign(width_, infinity);
    for (std::size_t t = 0; t < n; ++t) {
      rows_[t] = t;
      slope_[t] = high_[t] > 0.0 ? 1.0 : -1.0;
      diagonal_[t] = row(t)[t];
      mark(t);
    }
    for (std::size_t s = 0; s < n; ++s) {
      if (dual_[s] == 0.0) continue;
      const float* kernels = row(s);
      for (std::size_t t = 0; t < width_; t += LAMOO_LANES) {
        const Doubles slope = load_doubles(&slope_[t]) - load_kernels(kernels + t) * dual_[s];
        std::memcpy(&slope_[t], &slope, sizeof slope);
      }
    }
  }

  // Sets rows aside that are at a bound and, as it looks now, will stay there. Whether they do is
  // seen in the end.
  void shrink(Extremes& now) {
    std::vector<std::size_t> kept;
    for (std::size_t i = 0; i < rows_.size(); ++i)
      if (up_[i] != 0.0 ? slope_[i] <= now.largest : down_[i] == 0.0 || slope_[i] >= now.least)
        kept.push_back(i);
    const std::size_t n = kept.size();
    if (n > rows_.size() * 3 / 4) return;
    const std::size_t width = whole(n);
    std::vector<float> few(n * width);
    for (std::size_t i = 0; i < n; ++i) {
      const float* kernels = row(kept[i]);
      for (std::size_t j = 0; j < n; ++j) few[i * width + j] = kernels[kept[j]];
    }
    few_.swap(few);
    K_ = few_.data();
    stride_ = width_ = width;
    for (std::size_t i = 0; i < n; ++i) {
      if (kept[i] == now.steepest) now.steepest = i;
      rows_[i] = rows_[kept[i]];
      slope_[i] = slope_[kept[i]];
      diagonal_[i] = diagonal_[kept[i]];
      mark(i);
    }
    rows_.resize(n);
    for (std::size_t i = n; i < width; ++i) {
      up_[i] = -infinity;
      down_[i] = infinity;
    }
  }

  static Doubles load_kernels(const float* x) {
    typedef float Half __attribute__((vector_size(4 * LAMOO_LANES)));
    Half v;
    std::memcpy(&v, x, sizeof v);
    return __builtin_convertvector(v, Doubles);
  }

  static Doubles first_numbers() {
    Doubles v;
    for (std::size_t l = 0; l < LAMOO_LANES; ++l) v[l] = static_cast<double>(l);
    return v;
  }

  // The lane with the largest value; of equal ones, that of the first row.
  static std::size_t first_largest(Doubles value, Doubles number) {
    std::size_t best = 0;
    for (std::size_t l = 1; l < LAMOO_LANES; ++l)
      if (value[l] > value[best] || (value[l] == value[best] && number[l] < number[best])) best = l;
    return best;
  }

  // Changes the slopes y_t - sum_s K_ts b_s by what a step from j to i changes them.
  Extremes move(std::size_t i, std::size_t j, double by) {
    const float *plus = row(i), *minus = row(j);
    Doubles largest = Doubles{} - infinity, least = Doubles{} + infinity, steepest = {};
    Doubles number = first_numbers();
    for (std::size_t t = 0; t < width_; t += LAMOO_LANES, number += double{LAMOO_LANES}) {
      const Doubles slope = load_doubles(&slope_[t]) -
                            (load_kernels(plus + t) - load_kernels(minus + t)) * by;
      std::memcpy(&slope_[t], &slope, sizeof slope);
      const Doubles up = slope + load_doubles(&up_[t]), down = slope + load_doubles(&down_[t]);
      const auto steeper = up > largest;
      largest = steeper ? up : largest;
      steepest = steeper ? number : steepest;
      least = down < least ? down : least;
    }
    const std::size_t lane = first_largest(largest, steepest);
    Extremes found = {largest[lane], least[0], static_cast<std::size_t>(steepest[lane])};
    for (std::size_t l = 1; l < LAMOO_LANES; ++l) found.least = std::min(found.least, least[l]);
    return found;
  }

  // The row that gains most by going down while i goes up.
  std::size_t partner(std::size_t i, double largest) const {
    const float* kernels = row(i);
    Doubles most = Doubles{} - 1.0, best = {}, number = first_numbers();
    const Doubles zero = {}, tiny = zero + 1e-12;
    for (std::size_t t = 0; t < width_; t += LAMOO_LANES, number += double{LAMOO_LANES}) {
      const Doubles down = load_doubles(&slope_[t]) + load_doubles(&down_[t]);
      Doubles fall = largest - down;
      fall = fall > zero ? fall : zero;
      Doubles curvature = load_doubles(&diagonal_[t]) + diagonal_[i];
      curvature -= 2.0 * load_kernels(kernels + t);
      curvature = curvature > tiny ? curvature : tiny;
      const Doubles gain = fall * fall / curvature;
      const auto better = gain > most;
      most = better ? gain : most;
      best = better ? number : best;
    }
    return static_cast<std::size_t>(best[first_largest(most, best)]);
  }

  // The slope of the rows that are at no bound: it is the same for all, but for the tolerance.
  double free_slope(const Extremes& now) const {
    double sum = 0.0;
    std::size_t count = 0;
    for (std::size_t i = 0; i < rows_.size(); ++i)
      if (up_[i] == 0.0 && down_[i] == 0.0) {
        sum += slope_[i];
        ++count;
      }
    return count != 0 ? sum / static_cast<double>(count) : (now.largest + now.least) / 2;
  }

  const float* all_;  // kernels of all rows
  std::size_t all_stride_;
  std::vector<double> low_, high_, dual_;  // of all rows: bounds and b
  // Of the active rows:
  std::vector<std::size_t> rows_;
  const float* K_ = nullptr;
  std::size_t stride_ = 0, width_ = 0;
  std::vector<float> few_;     // their kernels, once they are few
  std::vector<double> slope_;  // y_t - sum_s K_ts b_s
  std::vector<double> up_, down_;  // 0 where b may still go there, or an infinity
  std::vector<double> diagonal_;
};

}  // namespace LAMOO_LEVEL
}  // namespace lamoo
