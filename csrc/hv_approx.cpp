#include "hv_approx.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "dominance.hpp"
#include "hypervolume.hpp"
#include "nets.hpp"
#include "polar.hpp"
#include "replicates.hpp"
#include "rng.hpp"
#include "summary.hpp"

namespace lamoo {

using std::size_t;
using std::uint64_t;

namespace {

constexpr size_t replicates = 32;
constexpr size_t first_round = 32;   // samples of each replicate
constexpr size_t most_pilots = 512;  // samples that choose the method
constexpr double bends[] = {1.0, 1.25, 1.5, 2.0, 2.5};
constexpr size_t most_cube_objectives = 30;

// A product of positive numbers that neither overflows nor vanishes.
struct Product {
  double mantissa = 1.0;
  long exponent = 0;

  void multiply(double x) {
    int e = 0;
    int shift = 0;
    mantissa = std::frexp(mantissa * std::frexp(x, &e), &shift);
    exponent += e + shift;
  }
  double times(double x) const {
    int e = 0;
    const double product = mantissa * std::frexp(x, &e);
    return std::ldexp(product, static_cast<int>(std::clamp(exponent + e, -5000L, 5000L)));
  }
};

// Heights ref - F of the rows that count, each objective divided by its largest height.
struct Heights {
  size_t n = 0, m, stride = 0;
  std::vector<double> columns, inverse;  // by column; 1 / height by row
  Product scale;                         // the volume that was divided by
  std::vector<double> shares;            // volumes of the boxes in units of the largest one
  Product unit;                          // that unit

  Heights(const double* F, size_t rows, size_t objectives, const double* ref, uint64_t n_samples,
          const Run& run)
      : m(objectives) {
    std::vector<double> kept;
    for (size_t i = 0; i < rows; ++i) {
      size_t j = 0;
      while (j < m && F[i * m + j] < ref[j]) ++j;
      if (j == m) kept.insert(kept.end(), F + i * m, F + (i + 1) * m);
    }
    n = kept.size() / m;
    if (n == 0) return;
    for (size_t j = 0; j < m; ++j) {
      double lowest = ref[j];
      for (size_t i = 0; i < n; ++i) lowest = std::min(lowest, kept[i * m + j]);
      // Halved where the range of two finite numbers is not finite.
      const double half = std::isfinite(ref[j] - lowest) ? 1.0 : 0.5;
      const double largest = half * ref[j] - half * lowest;
      for (size_t i = 0; i < n; ++i)
        kept[i * m + j] = (half * ref[j] - half * kept[i * m + j]) / largest;
      scale.multiply(largest);
      scale.multiply(1.0 / half);
    }
    // Dominated boxes only take time; to find them takes the time of n samples.
    if (n <= n_samples) drop_dominated(kept, run);
    store(kept);
  }

 private:
  void drop_dominated(std::vector<double>& kept, const Run& run) {
    for (double& h : kept) h = -h;
    std::vector<std::uint8_t> best(n);
    is_nondominated(kept.data(), n, m, false, best.data(), run);
    size_t count = 0;
    for (size_t i = 0; i < n; ++i) {
      if (best[i] == 0) continue;
      for (size_t j = 0; j < m; ++j) kept[count * m + j] = -kept[i * m + j];
      ++count;
    }
    n = count;
    kept.resize(n * m);
  }

  void store(const std::vector<double>& kept) {
    stride = (n + padding - 1) / padding * padding;
    columns.assign(m * stride, 0.0);
    inverse.resize(n * m);
    shares.assign(n, 0.0);
    for (size_t i = 0; i < n; ++i)
      for (size_t j = 0; j < m; ++j) {
        const double h = std::max(kept[i * m + j], 1e-280);  // so that reaches are finite
        columns[j * stride + i] = h;
        inverse[i * m + j] = 1.0 / h;
        shares[i] += std::log(h);
      }
    const auto largest = std::max_element(shares.begin(), shares.end());
    for (size_t j = 0; j < m; ++j)
      unit.multiply(columns[j * stride + static_cast<size_t>(largest - shares.begin())]);
    const double log_unit = *largest;
    for (double& share : shares) share = std::exp(share - log_unit);
  }
};

// A box for a number in [0, 1), with probabilities proportional to the shares.
class Choice {
 public:
  explicit Choice(const std::vector<double>& shares) : ends_(shares.size()) {
    double sum = 0.0;
    for (size_t i = 0; i < shares.size(); ++i) ends_[i] = sum += shares[i];
    guide_.resize(shares.size() + 1);
    for (size_t g = 0, i = 0; g < guide_.size(); ++g) {
      const double least = sum * static_cast<double>(g) / static_cast<double>(shares.size());
      while (i + 1 < ends_.size() && ends_[i] <= least) ++i;
      guide_[g] = static_cast<std::uint32_t>(i);
    }
  }

  double total() const { return ends_.back(); }

  std::uint32_t operator()(uint64_t bits) const {
    const double u = static_cast<double>(bits >> 11) * 0x1p-53;
    std::uint32_t i = guide_[static_cast<size_t>(u * static_cast<double>(ends_.size()))];
    while (i > 0 && ends_[i - 1] > u * total()) --i;
    while (i + 1 < ends_.size() && ends_[i] <= u * total()) ++i;
    return i;
  }

 private:
  std::vector<double> ends_;
  std::vector<std::uint32_t> guide_;
};

// How to sample: through the boxes, or through the faces of a cube with a bend.
struct Plan {
  bool cube = false;
  double bend = 1.0;
  std::vector<size_t> faces;  // those to get more samples first
};

// Both ways are judged by the same few samples through the boxes, in which every part of the
// volume has a fair chance to be seen.
Plan make_plan(const Heights& h, const Body& body, const Choice& choice, uint64_t n_samples,
               uint64_t seed, const Run& run) {
  Plan plan;
  const size_t m = h.m;
  const double volume = h.unit.times(choice.total());
  const uint64_t wanted = std::min<uint64_t>(most_pilots, n_samples / 8);
  if (m > most_cube_objectives || wanted < 64 || !(volume > 1e-200)) return plan;
  size_t k = 6;
  while (uint64_t{2} << k <= wanted) ++k;
  const size_t count = size_t{1} << k;

  Nets nets(1, m + 1, count, mix64(seed + 1));
  nets.make(k);
  const Nets::Block& block = nets.block(k);
  const size_t points = nets.points_of_cell(k);
  std::vector<uint64_t> bits((m + 1) * count), origin(m + 1), memory;
  nets.origins(block, 0, 0, origin.data());
  for (size_t from = 0; from < count; from += points)
    nets.points(block, origin.data(), from / points, count, memory, bits.data() + from);
  std::vector<std::uint32_t> chosen(count);
  for (size_t p = 0; p < count; ++p) chosen[p] = choice(bits[p]);
  std::vector<double> value(count), reach(count), y(m * count);
  PolarScratch scratch;
  through_boxes(body, h.inverse.data(), chosen.data(), {bits.data(), count}, run, scratch,
                value.data(), reach.data(), y.data());

  const double number = static_cast<double>(count);
  double mean = 0.0, squares = 0.0;
  for (const double v : value) {
    mean += v / number;
    squares += v * v / number;
  }
  const double boxes_variance = squares / (mean * mean) - 1.0;

  double best = std::numeric_limits<double>::infinity();
  std::vector<double> of_face(m);
  for (const double bend : bends) {
    std::vector<double> moments(m, 0.0);
    for (size_t p = 0; p < count; ++p) {
      size_t face = 0;
      for (size_t j = 1; j < m; ++j)
        if (y[j * count + p] < y[face * count + p]) face = j;
      const double nearest = y[face * count + p];
      double weight = std::pow(reach[p] / nearest, static_cast<double>(m)) / bend;
      for (size_t j = 0; j < m; ++j) {
        const double stretch = 1.0 + (bend - 1.0) * (nearest / y[j * count + p]);
        weight *= stretch * stretch / bend;
      }
      moments[face] += value[p] * weight;
    }
    double moment = 0.0;
    for (const double part : moments) moment += part / number;
    const double variance = moment / (mean * mean * volume) - 1.0;
    if (variance < best) {
      best = variance;
      plan.bend = bend;
      of_face = moments;
    }
  }
  // Evenly spread points gain more on faces than in boxes, and take less time there: measured, and
  // less so the more objectives there are.
  const double advantage = std::min(7.0, 1.0 + 150.0 / static_cast<double>(m * m));
  plan.cube = best <= advantage * advantage * boxes_variance + 1e-12;
  plan.faces.resize(m);
  for (size_t j = 0; j < m; ++j) plan.faces[j] = j;
  std::stable_sort(plan.faces.begin(), plan.faces.end(),
                   [&](size_t a, size_t b) { return of_face[a] > of_face[b]; });
  return plan;
}

// Of the first `count` samples of a replicate, how many go through the f-th of the faces in order:
// equal shares, but those of the first faces twice the others', so that shares are powers of two.
uint64_t share_of_face(uint64_t count, size_t f, size_t m, size_t period) {
  const uint64_t weight = f < period - m ? 2 : 1;
  const uint64_t before = std::min<uint64_t>(f, period - m) + f;
  const uint64_t rest = count % period;
  return count / period * weight + std::min(weight, rest - std::min(rest, before));
}

}  // namespace

HVEstimate hv_approx(const double* F, size_t n, size_t m, const double* ref, uint64_t n_samples,
                     double rel_tol, uint64_t seed, const Run& run) {
  if (m == 1) return {hypervolume(F, n, m, ref, run), 0.0, 0};
  const Heights heights(F, n, m, ref, n_samples, run);
  if (heights.n == 0) return {0.0, 0.0, 0};
  if (heights.n == 1) return {heights.scale.times(1.0), 0.0, n_samples};
  const Body body{heights.columns.data(), heights.n, m, heights.stride};
  const Choice choice(heights.shares);
  size_t period = 1;
  while (period < m) period *= 2;
  Plan plan;
  if (n_samples / replicates >= 2 * period)
    plan = make_plan(heights, body, choice, n_samples, seed, run);

  const size_t r = static_cast<size_t>(std::min<uint64_t>(replicates, n_samples));
  const size_t streams = plan.cube ? m : 1, d = plan.cube ? m - 1 : m + 1;
  const auto evaluate = [&](size_t stream, const Coordinates& at, PolarScratch& scratch,
                            double* value) {
    if (plan.cube) {
      through_face(body, {plan.faces[stream], plan.bend}, at, run, scratch, value);
      return;
    }
    scratch.chosen.resize(at.count);
    for (size_t p = 0; p < at.count; ++p) scratch.chosen[p] = choice(at.bits[p]);
    through_boxes(body, heights.inverse.data(), scratch.chosen.data(), at, run, scratch, value,
                  nullptr, nullptr);
  };
  const uint64_t most = n_samples / r, extra = n_samples % r;
  Replicates all(streams, Nets(r, d, most + 1, seed), evaluate);
  const auto plan_to = [&](uint64_t count, size_t size) {
    for (size_t f = 0; f < streams && size > 0; ++f)
      all.plan(f, plan.cube ? share_of_face(count, f, m, period) : count, size);
  };

  Product scale = heights.scale;
  if (!plan.cube) {
    scale.multiply(heights.unit.mantissa);
    scale.exponent += heights.unit.exponent;
  }
  const double factor = plan.cube ? 1.0 / static_cast<double>(m) : choice.total();
  // Rounds of twice the length, until the estimate is good enough or the samples are used up.
  uint64_t taken = 0;
  for (;;) {
    const uint64_t first = std::max<uint64_t>(first_round, 2 * period);
    const uint64_t target = rel_tol > 0.0 ? std::min(std::max(first, 2 * taken), most) : most;
    plan_to(target, r);
    if (target == most) plan_to(most + 1, static_cast<size_t>(extra));
    const double work = static_cast<double>(target - taken) * static_cast<double>(r * body.n * m);
    all.take(run, work < 1e6 ? 1 : run.n_threads());
    taken = target;
    std::vector<double> means(r, 0.0);
    for (size_t i = 0; i < r; ++i)
      for (size_t f = 0; f < streams; ++f) means[i] += factor * all.mean(f, i);
    const Summary found = summary(means, taken * r);
    if (taken < most && found.stderr_ > rel_tol * found.mean) continue;
    const uint64_t used = taken == most ? n_samples : taken * r;
    if (found.mean == 0.0) return {0.0, 0.0, used};
    const double value = scale.times(found.mean);
    return {value, value * (found.stderr_ / found.mean), used};
  }
}

}  // namespace lamoo
