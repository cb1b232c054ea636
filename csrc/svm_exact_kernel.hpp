// Kernels of support vector machines in double precision. (A part of svm_kernel.hpp.)
//
// Each point has its lane, and in it the same operations in the same order whatever the number of
// lanes; none of them is fused. So results have the same bits at all levels.

namespace lamoo {
namespace LAMOO_LEVEL {

typedef double Doubles __attribute__((vector_size(8 * LAMOO_LANES)));
typedef std::int64_t Longs __attribute__((vector_size(8 * LAMOO_LANES)));

static inline Doubles load_doubles(const double* x) {
  Doubles v;
  std::memcpy(&v, x, sizeof v);
  return v;
}

// e^x for x from -700 to 700, within 1e-15 of it; smaller ones are taken for -700.
static inline Doubles exp_of(Doubles x) {
  const Doubles least = Doubles{} - 700.0;
  x = x < least ? least : x;
  // x = k ln 2 + r. Adding 1.5 * 2^52 leaves the integer k in the lowest bits.
  const Doubles shifted = x * 1.4426950408889634 + 6755399441055744.0;
  const Doubles k = shifted - 6755399441055744.0;
  const Doubles r = (x - k * 6.93147180369123816490e-01) - k * 1.90821492927058770002e-10;
  Doubles p = Doubles{} + 1.0 / 479001600;
  p = p * r + 1.0 / 39916800;
  p = p * r + 1.0 / 3628800;
  p = p * r + 1.0 / 362880;
  p = p * r + 1.0 / 40320;
  p = p * r + 1.0 / 5040;
  p = p * r + 1.0 / 720;
  p = p * r + 1.0 / 120;
  p = p * r + 1.0 / 24;
  p = p * r + 1.0 / 6;
  p = p * r + 0.5;
  p = p * r + 1.0;
  p = p * r + 1.0;
  Longs bits, exponent;
  std::memcpy(&bits, &p, sizeof bits);
  std::memcpy(&exponent, &shifted, sizeof exponent);
  bits += exponent << 52;
  std::memcpy(&p, &bits, sizeof p);
  return p;
}

static inline Doubles power_of(Doubles x, unsigned degree) {
  Doubles power = Doubles{} + 1.0;
  for (; degree != 0; degree /= 2) {
    if (degree % 2 != 0) power = power * x;
    x = x * x;
  }
  return power;
}

// So many registers of points are handled together.
constexpr std::size_t exact_registers = 4;
constexpr std::size_t exact_group = exact_registers * LAMOO_LANES;

// Calls visit(j, values) with the kernels of row j of X (n, f) and the points of a tile: feature c
// of point l is tile[c * exact_group + l].
template <class Visit>
static inline void for_each_row(const SvmKernel& kernel, const double* X, std::size_t n,
                                std::size_t f, const double* tile, Visit visit) {
  const bool rbf = kernel.kind == SvmKernel::Kind::rbf;
  for (std::size_t j = 0; j < n; ++j) {
    const double* x = X + j * f;
    Doubles values[exact_registers] = {};
    if (rbf) {
      for (std::size_t c = 0; c < f; ++c)
        for (std::size_t r = 0; r < exact_registers; ++r) {
          const Doubles d = load_doubles(tile + c * exact_group + r * LAMOO_LANES) - x[c];
          values[r] += d * d;
        }
      for (Doubles& value : values) value = exp_of(value * -kernel.gamma);
    } else {
      for (std::size_t c = 0; c < f; ++c)
        for (std::size_t r = 0; r < exact_registers; ++r)
          values[r] += load_doubles(tile + c * exact_group + r * LAMOO_LANES) * x[c];
      if (kernel.kind == SvmKernel::Kind::poly)
        for (Doubles& value : values) value = power_of(value * kernel.gamma + 1.0, kernel.degree);
    }
    visit(j, values);
  }
}

// Decisions of one machine for a group of points.
class Exact {
 public:
  static constexpr std::size_t group = exact_group;

  explicit Exact(const Svm& svm) : svm_(svm), tile_(svm.features() * group) {}

  void put(std::size_t lane, const double* z) {
    for (std::size_t c = 0; c < svm_.features(); ++c)
      tile_[c * group + lane] = (z[c] - svm_.mean[c]) * svm_.inverse_scale[c];
  }

  // Of the first `count` lanes.
  void decide(std::size_t count, double* out) const {
    Doubles sums[exact_registers] = {};
    for_each_row(svm_.kernel, svm_.support.data(), svm_.dual.size(), svm_.features(), tile_.data(),
                 [&](std::size_t j, const Doubles* values) {
                   for (std::size_t r = 0; r < exact_registers; ++r)
                     sums[r] += values[r] * svm_.dual[j];
                 });
    for (std::size_t l = 0; l < count; ++l)
      out[l] = sums[l / LAMOO_LANES][l % LAMOO_LANES] + svm_.intercept;
  }

 private:
  const Svm& svm_;
  std::vector<double> tile_;
};

}  // namespace LAMOO_LEVEL
}  // namespace lamoo
