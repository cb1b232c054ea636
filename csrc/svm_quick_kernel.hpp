// Decisions of machines with the rbf kernel in single precision, with a bound of their error.
// (A part of svm_kernel.hpp.)

namespace lamoo {
namespace LAMOO_LEVEL {

constexpr std::size_t float_lanes = 2 * LAMOO_LANES;
typedef float Floats __attribute__((vector_size(4 * float_lanes)));
typedef std::int32_t Ints __attribute__((vector_size(4 * float_lanes)));

static inline Floats load_floats(const float* x) {
  Floats v;
  std::memcpy(&v, x, sizeof v);
  return v;
}

static inline Floats all(float x) { return x - Floats{}; }  // x + 0 would take an addition

static inline Floats fused(Floats a, Floats b, Floats c) {
#if LAMOO_AVX512
  return reinterpret_cast<Floats>(_mm512_fmadd_ps(a, b, c));
#elif LAMOO_AVX2
  return reinterpret_cast<Floats>(_mm256_fmadd_ps(a, b, c));
#else
  return a * b + c;
#endif
}

// 2^x for x <= 126, within 2e-7 of it; those below -126 are taken for it.
static inline Floats exp2_of(Floats x) {
  const Floats least = Floats{} - 126.0f;
  x = x < least ? least : x;
  const Floats shifted = x + 12582912.0f;  // 1.5 * 2^23 leaves the integer in the lowest bits
  const Floats r = x - (shifted - 12582912.0f);
  // Interpolates at Chebyshev's nodes from -0.5 to 0.5, within 8e-8.
  Floats p = Floats{} + 0.00133908633647f;
  p = fused(p, r, Floats{} + 0.00967603191832f);
  p = fused(p, r, Floats{} + 0.0555035711422f);
  p = fused(p, r, Floats{} + 0.240221074853f);
  p = fused(p, r, Floats{} + 0.693147188026f);
  p = fused(p, r, Floats{} + 1.00000007545f);
  Ints bits, exponent;
  std::memcpy(&bits, &p, sizeof bits);
  std::memcpy(&exponent, &shifted, sizeof exponent);
  bits += exponent << 23;
  std::memcpy(&p, &bits, sizeof p);
  return p;
}

// Decisions of one machine for a group of points.
class Quick {
 public:
  static constexpr std::size_t registers = 4;
  static constexpr std::size_t group = registers * float_lanes;

  struct Decision {
    double value, error;  // what the decision is within error of; perhaps not numbers
  };

  explicit Quick(const Svm& svm)
      : svm_(svm),
        tile_(svm.features() * group),
        terms_(2.0 * static_cast<double>(svm.features()) + 8.0),
        sums_(static_cast<double>(svm.n_positive + svm.n_negative) * 2.0 + 16.0) {}

  void put(std::size_t lane, const double* z) {
    double square = 0.0;
    for (std::size_t c = 0; c < svm_.features(); ++c) {
      const double x = (z[c] - svm_.mean[c]) * svm_.inverse_scale[c] * svm_.unit;
      square += x * x;
      tile_[c * group + lane] = static_cast<float>(x);
    }
    size_[lane] = square / 2;
    offset_[lane] = static_cast<float>(-square / 2);
  }

  void decide() {
    const float* pair = add(svm_.pairs.data(), svm_.n_positive, positive_);
    add(pair, svm_.n_negative, negative_);
  }

  // The exponent x.y - |x|^2/2 - |y|^2/2 is a sum of f + 2 terms, none of which and no part of the
  // sum is larger than twice |x|^2/2 + |y|^2/2: it is wrong by less than 2 f + 8 roundings of that.
  // What it is wrong by is the relative error of the kernel, to which those of 2^x and of the sum
  // come. Kernels below 2^-126 are taken for it.
  Decision decision(std::size_t lane) const {
    constexpr double rounding = 6.0e-8;  // 2^-24 and a little
    const double positive = positive_[lane], negative = negative_[lane];
    const double exponent = terms_ * rounding * (size_[lane] + svm_.farthest);
    const double relative = exponent < 0.1 ? 1.1 * exponent + sums_ * rounding
                                           : std::numeric_limits<double>::infinity();
    return {positive - negative + svm_.intercept,
            relative * (positive + negative) + 1e-37 * svm_.total +
                1e-15 * std::abs(svm_.intercept)};
  }

 private:
  // Adds up the kernels of so many pairs of rows, and returns what comes after them.
  const float* add(const float* pair, std::size_t n, float* out) const {
    const std::size_t f = svm_.features();
    Floats sums[registers] = {};
    for (; n != 0; --n, pair += 2 * (f + 2)) {
      Floats a[registers], b[registers];
      for (std::size_t r = 0; r < registers; ++r) {
        const Floats offset = load_floats(offset_ + r * float_lanes);
        a[r] = offset + pair[0];
        b[r] = offset + pair[1];
      }
      const float* y = pair + 4;
      const float* x = tile_.data();
      for (std::size_t c = 0; c < f; ++c, y += 2, x += group) {
        const Floats first = all(y[0]), second = all(y[1]);
        for (std::size_t r = 0; r < registers; ++r) {
          const Floats at = load_floats(x + r * float_lanes);
          a[r] = fused(at, first, a[r]);
          b[r] = fused(at, second, b[r]);
        }
      }
      const Floats first = all(pair[2]), second = all(pair[3]);
      for (std::size_t r = 0; r < registers; ++r)
        sums[r] = fused(exp2_of(a[r]), first, fused(exp2_of(b[r]), second, sums[r]));
    }
    std::memcpy(out, sums, sizeof sums);
    return pair;
  }

  const Svm& svm_;
  std::vector<float> tile_;  // feature c of point l: tile_[c * group + l]
  double terms_, sums_;
  float offset_[group] = {};
  double size_[group] = {};
  float positive_[group], negative_[group];
};

}  // namespace LAMOO_LEVEL
}  // namespace lamoo
