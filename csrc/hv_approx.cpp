#include "hv_approx.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "hypervolume.hpp"
#include "parallel.hpp"
#include "rng.hpp"

namespace lamoo {

using std::size_t;
using std::uint64_t;

namespace {

constexpr size_t replicates = 16;
constexpr uint64_t first_round = 64;  // samples of each replicate

// a[0] + a[1] x + ... + a[N-1] x^(N-1)
template <size_t N>
double polynomial(const std::array<double, N>& a, double x) {
  double value = a[N - 1];
  for (size_t i = N - 1; i-- > 0;) value = value * x + a[i];
  return value;
}

// -quantile(p) of the standard normal distribution for 2^-60 < p <= 1/2, to about 1e-12
// (Wichura, 1988, algorithm AS 241).
double upper_normal_quantile(double p) {
  static constexpr std::array<double, 8> a = {
      3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
      1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
      3.3430575583588128105e4, 2.5090809287301226727e3};
  static constexpr std::array<double, 8> b = {1.0,
                                              4.2313330701600911252e1,
                                              6.8718700749205790830e2,
                                              5.3941960214247511077e3,
                                              2.1213794301586595867e4,
                                              3.9307895800092710610e4,
                                              2.8729085735721942674e4,
                                              5.2264952788528545610e3};
  static constexpr std::array<double, 8> c = {
      1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
      3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
      2.27238449892691845833e-2, 7.74545014278341407640e-4};
  static constexpr std::array<double, 8> d = {1.0,
                                              2.05319162663775882187e0,
                                              1.67638483018380384940e0,
                                              6.89767334985100004550e-1,
                                              1.48103976427480074590e-1,
                                              1.51986665636164571966e-2,
                                              5.47593808499534494600e-4,
                                              1.05075007164441684324e-9};
  static constexpr std::array<double, 8> e = {
      6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0,
      2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
      2.71155556874348757815e-5, 2.01033439929228813265e-7};
  static constexpr std::array<double, 8> f = {1.0,
                                              5.99832206555887937690e-1,
                                              1.36929880922735805310e-1,
                                              1.48753612908506148525e-2,
                                              7.86869131745613259100e-4,
                                              1.84631831751005468180e-5,
                                              1.42151175831644588870e-7,
                                              2.04426310338993978564e-15};
  const double q = 0.5 - p;
  if (q <= 0.425) {
    const double r = 0.180625 - q * q;
    return q * polynomial(a, r) / polynomial(b, r);
  }
  const double r = std::sqrt(-std::log(p));
  return r <= 5.0 ? polynomial(c, r - 1.6) / polynomial(d, r - 1.6)
                  : polynomial(e, r - 5.0) / polynomial(f, r - 5.0);
}

// Heights ref - F of the rows that count, each objective divided by its largest height. Blocks of
// `lanes` rows, column by column, so that one direction meets a block with SIMD instructions; the
// last block is filled with rows of height 0.
class Heights {
 public:
  static constexpr size_t lanes = 8;

  Heights(const double* F, size_t n, size_t m, const double* ref) : m_(m) {
    std::vector<size_t> rows;
    for (size_t i = 0; i < n; ++i) {
      size_t j = 0;
      while (j < m && F[i * m + j] < ref[j]) ++j;
      if (j == m) rows.push_back(i);
    }
    if (rows.empty()) return;
    blocks_ = (rows.size() + lanes - 1) / lanes;
    h_.assign(blocks_ * m * lanes, 0.0);
    for (size_t j = 0; j < m; ++j) {
      double lowest = ref[j];
      for (const size_t row : rows) lowest = std::min(lowest, F[row * m + j]);
      // Halved where the range of two finite numbers is not finite.
      const double unit = std::isfinite(ref[j] - lowest) ? 1.0 : 0.5;
      const double largest = unit * ref[j] - unit * lowest;
      for (size_t i = 0; i < rows.size(); ++i)
        h_[(i / lanes * m + j) * lanes + i % lanes] =
            (unit * ref[j] - unit * F[rows[i] * m + j]) / largest;
      log_scale_ += std::log(largest) - std::log(unit);
    }
  }

  bool empty() const { return blocks_ == 0; }
  // log of the volume of the box that has the largest heights as sides
  double log_scale() const { return log_scale_; }

  // max over rows of the min over objectives of h / w, for inverse = 1 / w.
  double reach(const double* inverse) const {
    double best[lanes] = {};
    const double* h = h_.data();
    for (size_t block = 0; block < blocks_; ++block) {
      double shortest[lanes];
      for (size_t l = 0; l < lanes; ++l) shortest[l] = h[l] * inverse[0];
      h += lanes;
      for (size_t j = 1; j < m_; ++j, h += lanes)
        for (size_t l = 0; l < lanes; ++l) {
          const double length = h[l] * inverse[j];
          shortest[l] = length < shortest[l] ? length : shortest[l];
        }
      for (size_t l = 0; l < lanes; ++l) best[l] = shortest[l] > best[l] ? shortest[l] : best[l];
    }
    return *std::max_element(best, best + lanes);
  }

 private:
  size_t m_, blocks_ = 0;
  std::vector<double> h_;
  double log_scale_ = 0.0;
};

// Steps of the R_phi sequence as fractions of 2^64: powers of 1/phi, where phi > 1 solves
// phi^(m+1) = phi + 1 (Roberts, 2018).
std::vector<uint64_t> sequence_steps(size_t m) {
  const double power = 1.0 / static_cast<double>(m + 1);
  double phi = 2.0;
  for (int i = 0; i < 64; ++i) phi = std::pow(1.0 + phi, power);
  std::vector<uint64_t> steps(m);
  double step = 1.0;
  for (size_t j = 0; j < m; ++j) {
    step /= phi;
    steps[j] = static_cast<uint64_t>(std::ldexp(step, 53)) << 11;
  }
  return steps;
}

// One randomly shifted sequence of directions and the sum of reach^m over them. The sum is kept
// relative to the longest reach so far, so that no power overflows.
class Replicate {
 public:
  Replicate(const std::vector<uint64_t>& steps, uint64_t seed, size_t index)
      : steps_(&steps), at_(steps.size()), inverse_(steps.size()) {
    for (size_t j = 0; j < at_.size(); ++j)
      at_[j] = random_bits(seed, index * at_.size() + j);
  }

  void extend(const Heights& heights, uint64_t count) {
    const size_t m = at_.size();
    const double power = static_cast<double>(m);
    for (uint64_t i = 0; i < count; ++i) {
      // Normal numbers without their signs, whose direction is uniform in the positive orthant.
      double norm = 0.0;
      for (size_t j = 0; j < m; ++j) {
        at_[j] += (*steps_)[j];
        const double u = (static_cast<double>(at_[j] >> 12) + 0.5) * 0x1p-52;
        const double g = upper_normal_quantile(std::min(u, 1.0 - u));
        norm += g * g;
        inverse_[j] = 1.0 / g;
      }
      const double reach = heights.reach(inverse_.data()) * std::sqrt(norm);
      if (reach > longest_) {
        sum_ *= std::pow(longest_ / reach, power);
        longest_ = reach;
      }
      if (reach > 0.0) sum_ += std::pow(reach / longest_, power);
    }
    samples_ += count;
  }

  size_t objectives() const { return at_.size(); }
  double longest() const { return longest_; }
  // The mean of (reach / unit)^m.
  double mean(double unit) const {
    return sum_ / static_cast<double>(samples_) *
           std::pow(longest_ / unit, static_cast<double>(at_.size()));
  }

 private:
  const std::vector<uint64_t>* steps_;
  std::vector<uint64_t> at_;
  std::vector<double> inverse_;
  double longest_ = 0.0, sum_ = 0.0;
  uint64_t samples_ = 0;
};

// log of the volume of the unit ball's positive orthant, pi^(m/2) / Gamma(m/2 + 1) / 2^m.
double log_orthant_volume(size_t m) {
  // It is 1 for m = 0 and m = 1; two more objectives are a factor of pi / (2 m).
  double value = 0.0;
  constexpr double half_pi = 1.57079632679489661923;
  for (size_t k = m; k >= 2; k -= 2) value += std::log(half_pi / static_cast<double>(k));
  return value;
}

// Mean and standard error over the replicates, whose means are independent.
HVEstimate combine(const std::vector<Replicate>& all, double log_factor, uint64_t n_samples) {
  double unit = 0.0;
  for (const Replicate& one : all) unit = std::max(unit, one.longest());
  if (unit == 0.0) return {0.0, 0.0, n_samples};  // heights too small to be told from 0
  const double count = static_cast<double>(all.size());
  double mean = 0.0;
  for (const Replicate& one : all) mean += one.mean(unit) / count;
  double squares = 0.0;
  for (const Replicate& one : all) {
    const double difference = one.mean(unit) - mean;
    squares += difference * difference;
  }
  const double m = static_cast<double>(all[0].objectives());
  const double value = std::exp(log_factor + m * std::log(unit) + std::log(mean));
  const double relative_error = std::sqrt(squares / (count * (count - 1.0))) / mean;
  return {value, value * relative_error, n_samples};
}

}  // namespace

HVEstimate hv_approx(const double* F, size_t n, size_t m, const double* ref, uint64_t n_samples,
                     double rel_tol, uint64_t seed, const Run& run) {
  const Heights heights(F, n, m, ref);
  if (heights.empty()) return {0.0, 0.0, 0};
  if (m == 1) return {hypervolume(F, n, m, ref, 1), 0.0, 0};

  const double log_factor = log_orthant_volume(m) + heights.log_scale();
  const std::vector<uint64_t> steps = sequence_steps(m);
  std::vector<Replicate> all;
  for (size_t i = 0; i < replicates; ++i) all.emplace_back(steps, seed, i);

  // Rounds of twice the length, until the estimate is good enough or the samples are used up.
  const uint64_t most = std::max<uint64_t>(n_samples / replicates, 1);
  uint64_t taken = 0;
  for (;;) {
    const uint64_t target =
        rel_tol > 0.0 ? std::min(std::max(first_round, 2 * taken), most) : most;
    const double work = static_cast<double>(target - taken) * static_cast<double>(n * m);
    parallel_for(replicates, work < 1e4 ? 1 : run.n_threads(), run, [&] {
      return [&](size_t i) { all[i].extend(heights, target - taken); };
    });
    taken = target;
    const HVEstimate estimate = combine(all, log_factor, taken * replicates);
    if (taken == most || estimate.stderr_ <= rel_tol * estimate.value) return estimate;
  }
}

}  // namespace lamoo
