// Registers of doubles, for files that foreach_level.hpp compiles; to be included inside of the
// namespace LAMOO_LEVEL. Lanes are numbered in the order of memory.

#undef LAMOO_SSE4
#if LAMOO_HAS_LEVELS && defined(__SSE4_1__)
#define LAMOO_SSE4 1
#else
#define LAMOO_SSE4 0
#endif

#if LAMOO_AVX512

struct Lanes {
  static constexpr std::size_t count = 8;
  __m512d v;

  static Lanes all(double x) { return {_mm512_set1_pd(x)}; }
  static Lanes load(const double* x) { return {_mm512_loadu_pd(x)}; }
  void store(double* x) const { _mm512_storeu_pd(x, v); }
};
struct LaneMask {
  __mmask8 bits_;
  unsigned bits() const { return bits_; }
};
// The lanes that are set, one after the other; the rest of the register follows.
inline void store_packed(double* x, Lanes a, LaneMask mask) {
  _mm512_storeu_pd(x, _mm512_maskz_compress_pd(mask.bits_, a.v));
}
inline Lanes max(Lanes a, Lanes b) { return {_mm512_maskz_max_pd(0xFF, a.v, b.v)}; }

inline Lanes operator+(Lanes a, Lanes b) { return {_mm512_add_pd(a.v, b.v)}; }
inline Lanes operator-(Lanes a, Lanes b) { return {_mm512_sub_pd(a.v, b.v)}; }
inline Lanes operator*(Lanes a, Lanes b) { return {_mm512_mul_pd(a.v, b.v)}; }
// With a mask of all lanes, since GCC 12 warns of the forms without one.
inline Lanes min(Lanes a, Lanes b) { return {_mm512_maskz_min_pd(0xFF, a.v, b.v)}; }
inline LaneMask operator<=(Lanes a, Lanes b) {
  return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_LE_OQ)};
}
inline LaneMask operator<(Lanes a, Lanes b) { return {_mm512_cmp_pd_mask(a.v, b.v, _CMP_LT_OQ)}; }
inline LaneMask operator&(LaneMask a, LaneMask b) {
  return {static_cast<__mmask8>(a.bits_ & b.bits_)};
}
// yes where mask is set, no elsewhere.
inline Lanes select(LaneMask mask, Lanes yes, Lanes no) {
  return {_mm512_mask_blend_pd(mask.bits_, no.v, yes.v)};
}
// Lane i is the least of the lanes 0 .. i.
inline Lanes running_min(Lanes a) {
  const __m512i by1 = _mm512_setr_epi64(0, 0, 1, 2, 3, 4, 5, 6);
  const __m512i by2 = _mm512_setr_epi64(0, 1, 0, 1, 2, 3, 4, 5);
  a = min(a, {_mm512_maskz_permutexvar_pd(0xFF, by1, a.v)});
  a = min(a, {_mm512_maskz_permutexvar_pd(0xFF, by2, a.v)});
  return min(a, {_mm512_maskz_shuffle_f64x2(0xFF, a.v, a.v, 0x44)});
}
inline Lanes all_last(Lanes a) {
  return {_mm512_maskz_permutexvar_pd(0xFF, _mm512_set1_epi64(7), a.v)};
}
inline double least(Lanes a) {
  const __m256d four = _mm256_min_pd(_mm512_maskz_extractf64x4_pd(0xF, a.v, 0),
                                     _mm512_maskz_extractf64x4_pd(0xF, a.v, 1));
  const __m128d two = _mm_min_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
  return _mm_cvtsd_f64(_mm_min_sd(two, _mm_unpackhi_pd(two, two)));
}

#elif LAMOO_AVX2

struct Lanes {
  static constexpr std::size_t count = 4;
  __m256d v;

  static Lanes all(double x) { return {_mm256_set1_pd(x)}; }
  static Lanes load(const double* x) { return {_mm256_loadu_pd(x)}; }
  void store(double* x) const { _mm256_storeu_pd(x, v); }
};
struct LaneMask {
  __m256d v;
  unsigned bits() const { return static_cast<unsigned>(_mm256_movemask_pd(v)); }
};
inline void store_packed(double* x, Lanes a, LaneMask mask) {
  // Of each set, the halves of its lanes.
  alignas(32) static constexpr int halves[16][8] = {
      {0, 0, 0, 0, 0, 0, 0, 0}, {0, 1, 0, 0, 0, 0, 0, 0}, {2, 3, 0, 0, 0, 0, 0, 0},
      {0, 1, 2, 3, 0, 0, 0, 0}, {4, 5, 0, 0, 0, 0, 0, 0}, {0, 1, 4, 5, 0, 0, 0, 0},
      {2, 3, 4, 5, 0, 0, 0, 0}, {0, 1, 2, 3, 4, 5, 0, 0}, {6, 7, 0, 0, 0, 0, 0, 0},
      {0, 1, 6, 7, 0, 0, 0, 0}, {2, 3, 6, 7, 0, 0, 0, 0}, {0, 1, 2, 3, 6, 7, 0, 0},
      {4, 5, 6, 7, 0, 0, 0, 0}, {0, 1, 4, 5, 6, 7, 0, 0}, {2, 3, 4, 5, 6, 7, 0, 0},
      {0, 1, 2, 3, 4, 5, 6, 7}};
  const __m256i order =
      _mm256_load_si256(reinterpret_cast<const __m256i*>(halves[mask.bits()]));
  const __m256i packed = _mm256_permutevar8x32_epi32(_mm256_castpd_si256(a.v), order);
  _mm256_storeu_pd(x, _mm256_castsi256_pd(packed));
}
inline Lanes max(Lanes a, Lanes b) { return {_mm256_max_pd(a.v, b.v)}; }

inline Lanes operator+(Lanes a, Lanes b) { return {_mm256_add_pd(a.v, b.v)}; }
inline Lanes operator-(Lanes a, Lanes b) { return {_mm256_sub_pd(a.v, b.v)}; }
inline Lanes operator*(Lanes a, Lanes b) { return {_mm256_mul_pd(a.v, b.v)}; }
inline Lanes min(Lanes a, Lanes b) { return {_mm256_min_pd(a.v, b.v)}; }
inline LaneMask operator<=(Lanes a, Lanes b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_LE_OQ)}; }
inline LaneMask operator<(Lanes a, Lanes b) { return {_mm256_cmp_pd(a.v, b.v, _CMP_LT_OQ)}; }
inline LaneMask operator&(LaneMask a, LaneMask b) { return {_mm256_and_pd(a.v, b.v)}; }
inline Lanes select(LaneMask mask, Lanes yes, Lanes no) {
  return {_mm256_blendv_pd(no.v, yes.v, mask.v)};
}
inline Lanes running_min(Lanes a) {
  a.v = _mm256_min_pd(a.v, _mm256_permute4x64_pd(a.v, 0x90));             // 0 0 1 2
  return {_mm256_min_pd(a.v, _mm256_permute2f128_pd(a.v, a.v, 0x00))};    // 0 1 0 1
}
inline Lanes all_last(Lanes a) { return {_mm256_permute4x64_pd(a.v, 0xFF)}; }
inline double least(Lanes a) {
  const __m128d two = _mm_min_pd(_mm256_castpd256_pd128(a.v), _mm256_extractf128_pd(a.v, 1));
  return _mm_cvtsd_f64(_mm_min_sd(two, _mm_unpackhi_pd(two, two)));
}

#elif LAMOO_SSE4

struct Lanes {
  static constexpr std::size_t count = 2;
  __m128d v;

  static Lanes all(double x) { return {_mm_set1_pd(x)}; }
  static Lanes load(const double* x) { return {_mm_loadu_pd(x)}; }
  void store(double* x) const { _mm_storeu_pd(x, v); }
};
struct LaneMask {
  __m128d v;
  unsigned bits() const { return static_cast<unsigned>(_mm_movemask_pd(v)); }
};
inline void store_packed(double* x, Lanes a, LaneMask mask) {
  _mm_storeu_pd(x, mask.bits() == 2 ? _mm_unpackhi_pd(a.v, a.v) : a.v);
}
inline Lanes max(Lanes a, Lanes b) { return {_mm_max_pd(a.v, b.v)}; }

inline Lanes operator+(Lanes a, Lanes b) { return {_mm_add_pd(a.v, b.v)}; }
inline Lanes operator-(Lanes a, Lanes b) { return {_mm_sub_pd(a.v, b.v)}; }
inline Lanes operator*(Lanes a, Lanes b) { return {_mm_mul_pd(a.v, b.v)}; }
inline Lanes min(Lanes a, Lanes b) { return {_mm_min_pd(a.v, b.v)}; }
inline LaneMask operator<=(Lanes a, Lanes b) { return {_mm_cmple_pd(a.v, b.v)}; }
inline LaneMask operator<(Lanes a, Lanes b) { return {_mm_cmplt_pd(a.v, b.v)}; }
inline LaneMask operator&(LaneMask a, LaneMask b) { return {_mm_and_pd(a.v, b.v)}; }
inline Lanes select(LaneMask mask, Lanes yes, Lanes no) {
  return {_mm_blendv_pd(no.v, yes.v, mask.v)};
}
inline Lanes running_min(Lanes a) { return {_mm_min_pd(a.v, _mm_unpacklo_pd(a.v, a.v))}; }
inline Lanes all_last(Lanes a) { return {_mm_unpackhi_pd(a.v, a.v)}; }
inline double least(Lanes a) { return _mm_cvtsd_f64(_mm_min_sd(a.v, _mm_unpackhi_pd(a.v, a.v))); }

#else

struct Lanes {
  static constexpr std::size_t count = 1;
  double v;

  static Lanes all(double x) { return {x}; }
  static Lanes load(const double* x) { return {*x}; }
  void store(double* x) const { *x = v; }
};
struct LaneMask {
  bool set;
  unsigned bits() const { return set ? 1u : 0u; }
};
inline void store_packed(double* x, Lanes a, LaneMask) { *x = a.v; }
inline Lanes max(Lanes a, Lanes b) { return {a.v > b.v ? a.v : b.v}; }

inline Lanes operator+(Lanes a, Lanes b) { return {a.v + b.v}; }
inline Lanes operator-(Lanes a, Lanes b) { return {a.v - b.v}; }
inline Lanes operator*(Lanes a, Lanes b) { return {a.v * b.v}; }
inline Lanes min(Lanes a, Lanes b) { return {a.v < b.v ? a.v : b.v}; }
inline LaneMask operator<=(Lanes a, Lanes b) { return {a.v <= b.v}; }
inline LaneMask operator<(Lanes a, Lanes b) { return {a.v < b.v}; }
inline LaneMask operator&(LaneMask a, LaneMask b) { return {a.set && b.set}; }
inline Lanes select(LaneMask mask, Lanes yes, Lanes no) { return mask.set ? yes : no; }
inline Lanes running_min(Lanes a) { return a; }
inline Lanes all_last(Lanes a) { return a; }
inline double least(Lanes a) { return a.v; }

#endif
