// Eight numbers, one for each subset of three points, in the registers of a level.
// (A part of volumes_kernel.hpp.)

namespace lamoo {
namespace LAMOO_LEVEL {

using std::size_t;
using std::uint64_t;

#if LAMOO_AVX512

using Eight = __m512d;
inline Eight load(const double* at) { return _mm512_loadu_pd(at); }
inline void store(double* at, Eight x) { _mm512_storeu_pd(at, x); }
inline Eight times(double factor, Eight x) { return _mm512_mul_pd(_mm512_set1_pd(factor), x); }
inline Eight add_times(Eight sum, double factor, Eight x) {
  return _mm512_fmadd_pd(_mm512_set1_pd(factor), x, sum);
}
inline Eight all_eight(double x) { return _mm512_set1_pd(x); }
// max(at[i], x), min(at[i], x[i])
inline Eight at_least(const double* at, double x) {
  return _mm512_maskz_max_pd(0xFF, _mm512_loadu_pd(at), _mm512_set1_pd(x));
}
inline Eight at_most(const double* at, Eight x) {
  return _mm512_maskz_min_pd(0xFF, _mm512_loadu_pd(at), x);
}
// x[i & mask] for i = 0 .. 7
inline Eight pick(const double* x, unsigned mask) {
  const __m512i lanes = _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0);
  // (The form with a mask, of all lanes: GCC warns of the other one.)
  return _mm512_maskz_permutexvar_pd(0xFF, _mm512_and_si512(lanes, _mm512_set1_epi64(mask)),
                                     _mm512_loadu_pd(x));
}
// Bit i: x[i] > v, x[i] < v.
inline unsigned above8(const double* x, double v) {
  return _cvtmask8_u32(_mm512_cmp_pd_mask(_mm512_loadu_pd(x), _mm512_set1_pd(v), _CMP_GT_OQ));
}
inline unsigned below8(const double* x, double v) {
  return _cvtmask8_u32(_mm512_cmp_pd_mask(_mm512_loadu_pd(x), _mm512_set1_pd(v), _CMP_LT_OQ));
}

#elif LAMOO_AVX2

struct Eight {
  __m256d low, high;
};
inline Eight load(const double* at) { return {_mm256_loadu_pd(at), _mm256_loadu_pd(at + 4)}; }
inline void store(double* at, const Eight& x) {
  _mm256_storeu_pd(at, x.low);
  _mm256_storeu_pd(at + 4, x.high);
}
inline Eight times(double factor, const Eight& x) {
  const __m256d f = _mm256_set1_pd(factor);
  return {_mm256_mul_pd(f, x.low), _mm256_mul_pd(f, x.high)};
}
inline Eight add_times(const Eight& sum, double factor, const Eight& x) {
  const __m256d f = _mm256_set1_pd(factor);
  return {_mm256_fmadd_pd(f, x.low, sum.low), _mm256_fmadd_pd(f, x.high, sum.high)};
}
inline Eight all_eight(double x) { return {_mm256_set1_pd(x), _mm256_set1_pd(x)}; }
inline Eight at_least(const double* at, double x) {
  const __m256d least = _mm256_set1_pd(x);
  return {_mm256_max_pd(_mm256_loadu_pd(at), least), _mm256_max_pd(_mm256_loadu_pd(at + 4), least)};
}
inline Eight at_most(const double* at, const Eight& x) {
  return {_mm256_min_pd(_mm256_loadu_pd(at), x.low), _mm256_min_pd(_mm256_loadu_pd(at + 4), x.high)};
}
inline Eight pick(const double* x, unsigned mask) {
  // Numbers as pairs of 32 bits: 2 (i & mask) and the one after it.
  const __m256i ones = _mm256_set_epi32(1, 0, 1, 0, 1, 0, 1, 0);
  const __m256i lanes = _mm256_set_epi32(6, 6, 4, 4, 2, 2, 0, 0);
  const __m256i index =
      _mm256_or_si256(_mm256_and_si256(lanes, _mm256_set1_epi32(static_cast<int>(2 * mask))), ones);
  const auto permuted = [&](const double* from) {
    return _mm256_castps_pd(
        _mm256_permutevar8x32_ps(_mm256_castpd_ps(_mm256_loadu_pd(from)), index));
  };
  return {permuted(x), permuted(x + (mask & 4))};
}
template <int Comparison>
inline unsigned compare8(const double* x, double v) {
  const auto compare4 = [at = _mm256_set1_pd(v)](const double* four) {
    return static_cast<unsigned>(
        _mm256_movemask_pd(_mm256_cmp_pd(_mm256_loadu_pd(four), at, Comparison)));
  };
  return compare4(x) | compare4(x + 4) << 4;
}
inline unsigned above8(const double* x, double v) { return compare8<_CMP_GT_OQ>(x, v); }
inline unsigned below8(const double* x, double v) { return compare8<_CMP_LT_OQ>(x, v); }

#else

struct Eight {
  double x[8];
};
inline Eight load(const double* at) {
  return {{at[0], at[1], at[2], at[3], at[4], at[5], at[6], at[7]}};
}
inline void store(double* at, const Eight& x) {
  for (size_t i = 0; i < 8; ++i) at[i] = x.x[i];
}
inline Eight times(double factor, const Eight& x) {
  Eight product;
  for (size_t i = 0; i < 8; ++i) product.x[i] = factor * x.x[i];
  return product;
}
inline Eight add_times(const Eight& sum, double factor, const Eight& x) {
  Eight next;
  for (size_t i = 0; i < 8; ++i) next.x[i] = sum.x[i] + factor * x.x[i];
  return next;
}
inline Eight all_eight(double x) { return {{x, x, x, x, x, x, x, x}}; }
inline Eight at_least(const double* at, double x) {
  Eight larger;
  for (size_t i = 0; i < 8; ++i) larger.x[i] = at[i] > x ? at[i] : x;
  return larger;
}
inline Eight at_most(const double* at, const Eight& x) {
  Eight smaller;
  for (size_t i = 0; i < 8; ++i) smaller.x[i] = at[i] < x.x[i] ? at[i] : x.x[i];
  return smaller;
}
inline Eight pick(const double* x, unsigned mask) {
  Eight picked;
  for (unsigned i = 0; i < 8; ++i) picked.x[i] = x[i & mask];
  return picked;
}
inline unsigned above8(const double* x, double v) {
  unsigned set = 0;
  for (unsigned i = 0; i < 8; ++i) set |= static_cast<unsigned>(x[i] > v) << i;
  return set;
}
inline unsigned below8(const double* x, double v) {
  unsigned set = 0;
  for (unsigned i = 0; i < 8; ++i) set |= static_cast<unsigned>(x[i] < v) << i;
  return set;
}

#endif

}  // namespace LAMOO_LEVEL
}  // namespace lamoo
