// The loops of polar.hpp, once for each instruction set. The same operations in the same order at
// every level: results are equal to the last bit.

namespace lamoo {
namespace LAMOO_LEVEL {

using std::size_t;
using std::uint64_t;

// Eight doubles, whatever the width of a register.
#if LAMOO_AVX512
struct Eight {
  __m512d v;
};
inline Eight load(const double* x) { return {_mm512_loadu_pd(x)}; }
inline Eight all(double x) { return {_mm512_set1_pd(x)}; }
inline void store(Eight a, double* x) { _mm512_storeu_pd(x, a.v); }
inline Eight operator+(Eight a, Eight b) { return {_mm512_add_pd(a.v, b.v)}; }
inline Eight operator-(Eight a, Eight b) { return {_mm512_sub_pd(a.v, b.v)}; }
inline Eight operator*(Eight a, Eight b) { return {_mm512_mul_pd(a.v, b.v)}; }
inline Eight operator/(Eight a, Eight b) { return {_mm512_div_pd(a.v, b.v)}; }
// The maskz forms are the plain instructions, without GCC 12's warnings about its own headers.
inline Eight min(Eight a, Eight b) { return {_mm512_maskz_min_pd(0xFF, a.v, b.v)}; }
inline Eight max(Eight a, Eight b) { return {_mm512_maskz_max_pd(0xFF, a.v, b.v)}; }
inline unsigned above(Eight a, Eight b) { return _mm512_cmp_pd_mask(a.v, b.v, _CMP_GT_OQ); }
// In [1, 2), from the leading bits.
inline Eight fraction(const uint64_t* bits) {
  const __m512i x = _mm512_loadu_si512(bits);
  const __m512i one = _mm512_set1_epi64(0x3FF0000000000000);
  return {_mm512_castsi512_pd(_mm512_or_si512(_mm512_maskz_srli_epi64(0xFF, x, 12), one))};
}
#elif LAMOO_AVX2
struct Eight {
  __m256d a, b;
};
inline Eight load(const double* x) { return {_mm256_loadu_pd(x), _mm256_loadu_pd(x + 4)}; }
inline Eight all(double x) { return {_mm256_set1_pd(x), _mm256_set1_pd(x)}; }
inline void store(Eight x, double* out) {
  _mm256_storeu_pd(out, x.a);
  _mm256_storeu_pd(out + 4, x.b);
}
inline Eight operator+(Eight x, Eight y) {
  return {_mm256_add_pd(x.a, y.a), _mm256_add_pd(x.b, y.b)};
}
inline Eight operator-(Eight x, Eight y) {
  return {_mm256_sub_pd(x.a, y.a), _mm256_sub_pd(x.b, y.b)};
}
inline Eight operator*(Eight x, Eight y) {
  return {_mm256_mul_pd(x.a, y.a), _mm256_mul_pd(x.b, y.b)};
}
inline Eight operator/(Eight x, Eight y) {
  return {_mm256_div_pd(x.a, y.a), _mm256_div_pd(x.b, y.b)};
}
inline Eight min(Eight x, Eight y) { return {_mm256_min_pd(x.a, y.a), _mm256_min_pd(x.b, y.b)}; }
inline Eight max(Eight x, Eight y) { return {_mm256_max_pd(x.a, y.a), _mm256_max_pd(x.b, y.b)}; }
inline unsigned above(Eight x, Eight y) {
  return static_cast<unsigned>(_mm256_movemask_pd(_mm256_cmp_pd(x.a, y.a, _CMP_GT_OQ)) |
                               _mm256_movemask_pd(_mm256_cmp_pd(x.b, y.b, _CMP_GT_OQ)) << 4);
}
inline __m256d four_fractions(const uint64_t* bits) {
  const __m256i x = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bits));
  const __m256i one = _mm256_set1_epi64x(0x3FF0000000000000);
  return _mm256_castsi256_pd(_mm256_or_si256(_mm256_srli_epi64(x, 12), one));
}
inline Eight fraction(const uint64_t* bits) {
  return {four_fractions(bits), four_fractions(bits + 4)};
}
#else
struct Eight {
  double v[8];
};
inline Eight load(const double* x) {
  Eight out;
  for (size_t l = 0; l < 8; ++l) out.v[l] = x[l];
  return out;
}
inline Eight all(double x) {
  Eight out;
  for (size_t l = 0; l < 8; ++l) out.v[l] = x;
  return out;
}
inline void store(const Eight& a, double* x) {
  for (size_t l = 0; l < 8; ++l) x[l] = a.v[l];
}
template <class Operation>
inline Eight map(const Eight& a, const Eight& b, Operation operation) {
  Eight out;
  for (size_t l = 0; l < 8; ++l) out.v[l] = operation(a.v[l], b.v[l]);
  return out;
}
inline Eight operator+(const Eight& a, const Eight& b) {
  return map(a, b, [](double x, double y) { return x + y; });
}
inline Eight operator-(const Eight& a, const Eight& b) {
  return map(a, b, [](double x, double y) { return x - y; });
}
inline Eight operator*(const Eight& a, const Eight& b) {
  return map(a, b, [](double x, double y) { return x * y; });
}
inline Eight operator/(const Eight& a, const Eight& b) {
  return map(a, b, [](double x, double y) { return x / y; });
}
inline Eight min(const Eight& a, const Eight& b) {
  return map(a, b, [](double x, double y) { return x < y ? x : y; });
}
inline Eight max(const Eight& a, const Eight& b) {
  return map(a, b, [](double x, double y) { return x > y ? x : y; });
}
inline unsigned above(const Eight& a, const Eight& b) {
  unsigned bits = 0;
  for (size_t l = 0; l < 8; ++l) bits |= static_cast<unsigned>(a.v[l] > b.v[l]) << l;
  return bits;
}
inline Eight fraction(const uint64_t* bits) {
  Eight out;
  for (size_t l = 0; l < 8; ++l) {
    const uint64_t number = bits[l] >> 12 | 0x3FF0000000000000u;
    std::memcpy(&out.v[l], &number, sizeof number);
  }
  return out;
}
#endif

inline double largest(Eight x) {
  double v[8];
  store(x, v);
  return *std::max_element(v, v + 8);
}

inline double least(Eight x) {
  double v[8];
  store(x, v);
  return *std::min_element(v, v + 8);
}

// x^m, m > 0, of several at once.
template <size_t count>
inline void raise(Eight (&x)[count], size_t m) {
  for (; (m & 1) == 0; m >>= 1)
    for (Eight& v : x) v = v * v;
  Eight square[count];
  std::copy_n(x, count, square);
  while ((m >>= 1) != 0) {
    for (Eight& v : square) v = v * v;
    if ((m & 1) != 0)
      for (size_t s = 0; s < count; ++s) x[s] = x[s] * square[s];
  }
}

inline Eight power(Eight x, size_t m) {
  Eight one[] = {x};
  raise(one, m);
  return one[0];
}

// Uniform in (0, 1): multiples of 2^-52 and half of one.
inline Eight uniform(const Coordinates& at, size_t d, size_t p) {
  return fraction(at.bits + d * at.count + p) - all(1.0 - 0x1p-53);
}

constexpr size_t leaf_size = 64;
constexpr size_t simple = 6;  // objectives up to which finer pruning takes more time than it saves
// Directions that one pass over the rows serves: as many as there are registers for.
constexpr size_t strip = LAMOO_AVX512 ? 4 : LAMOO_AVX2 ? 2 : 1;

// The directions from y on, `count` of them, objective j at y + j * stride, and bounds of y.
struct Directions {
  const double* y;
  size_t stride, count;
  const double *lowest, *highest;
};

// The rows of `in` that may be the farthest one for some of the directions: those that could, by
// the highest y, reach as far as the one row with the best prospects reaches at least.
// Roundings are monotone, so this is exact for the rounded reaches too.
inline Body reachable(const Body& in, const Directions& at, std::vector<double>& memory,
                      std::vector<size_t>& kept) {
  const auto reach = [&](size_t i, const double* y) {
    Eight t = load(in.columns + i) * all(y[0]);
    for (size_t j = 1; j < in.m; ++j) t = min(load(in.columns + j * in.stride + i) * all(y[j]), t);
    return t;
  };
  Eight sure = all(0.0);
  for (size_t i = 0; i < in.n; i += 8) sure = max(reach(i, at.lowest), sure);
  double enough = largest(sure);
  if (in.m > simple) {
    // That row's least reach says more than the bounds of y do.
    size_t best = 0;
    while (best + 8 < in.n && above(all(enough), reach(best, at.lowest)) == 0xFF) best += 8;
    double lanes[8];
    store(reach(best, at.lowest), lanes);
    best += static_cast<size_t>(std::max_element(lanes, lanes + 8) - lanes);
    Eight shortest = all(std::numeric_limits<double>::infinity());
    for (size_t p = 0; p < at.count; p += 8) {
      Eight t = all(in.columns[best]) * load(at.y + p);
      for (size_t j = 1; j < in.m; ++j)
        t = min(all(in.columns[j * in.stride + best]) * load(at.y + j * at.stride + p), t);
      shortest = min(t, shortest);
    }
    enough = least(shortest);
  }
  kept.clear();
  for (size_t i = 0; i < in.n; i += 8) {
    const unsigned worse = above(all(enough), reach(i, at.highest));
    if (worse == 0xFF) continue;
    for (size_t l = 0; l < std::min<size_t>(8, in.n - i); ++l)
      if ((worse >> l & 1) == 0) kept.push_back(i + l);
  }
  if (kept.size() == in.n) return in;
  Body out{nullptr, kept.size(), in.m, (kept.size() + padding - 1) / padding * padding};
  if (memory.size() < out.m * out.stride) memory.resize(out.m * out.stride);
  for (size_t j = 0; j < in.m; ++j) {
    double* column = memory.data() + j * out.stride;
    for (size_t i = 0; i < out.n; ++i) column[i] = in.columns[j * in.stride + kept[i]];
    std::fill(column + out.n, column + out.stride, 0.0);
  }
  out.columns = memory.data();
  return out;
}

// reach[p] for `strip` times eight directions from p on. The objectives are taken in `order`.
inline void reach_of_strip(const Body& body, const double* y, size_t count, const size_t* order,
                           double* reach) {
  Eight best[strip];
  for (Eight& b : best) b = all(0.0);
  const size_t m = body.m;
  const size_t first = m <= simple ? m : 4;
  for (size_t i = 0; i < body.n; ++i) {
    Eight t[strip];
    const auto meet = [&](size_t j) {
      const Eight g = all(body.columns[j * body.stride + i]);
      for (size_t s = 0; s < strip; ++s) t[s] = min(g * load(y + j * count + 8 * s), t[s]);
    };
    const Eight g = all(body.columns[order[0] * body.stride + i]);
    for (size_t s = 0; s < strip; ++s) t[s] = g * load(y + order[0] * count + 8 * s);
    for (size_t j = 1; j < first; ++j) meet(order[j]);
    if (first < m) {  // most rows are out of it by now
      unsigned hope = 0;
      for (size_t s = 0; s < strip; ++s) hope |= above(t[s], best[s]);
      if (hope == 0) continue;
      for (size_t j = first; j < m; ++j) meet(order[j]);
    }
    for (size_t s = 0; s < strip; ++s) best[s] = max(t[s], best[s]);
  }
  for (size_t s = 0; s < strip; ++s) store(best[s], reach + 8 * s);
}

// scratch.reach from scratch.y, for `count` directions.
inline void reaches(const Body& body, size_t count, const Run& run, PolarScratch& scratch) {
  const size_t m = body.m, leaves = (count + leaf_size - 1) / leaf_size;
  const double* y = scratch.y.data();
  // Bounds of y: of each leaf, then of all. [leaf][lowest, highest][m]
  scratch.bounds.resize((leaves + 1) * 2 * m);
  double* whole = scratch.bounds.data() + leaves * 2 * m;
  for (size_t j = 0; j < m; ++j) {
    whole[j] = y[j * count];
    whole[m + j] = y[j * count];
    for (size_t leaf = 0; leaf < leaves; ++leaf) {
      double* bounds = scratch.bounds.data() + leaf * 2 * m;
      Eight low = load(y + j * count + leaf * leaf_size), high = low;
      for (size_t p = leaf * leaf_size; p < std::min(count, (leaf + 1) * leaf_size); p += 8) {
        const Eight here = load(y + j * count + p);
        low = min(here, low);
        high = max(here, high);
      }
      bounds[j] = least(low);
      bounds[m + j] = largest(high);
      whole[j] = std::min(whole[j], bounds[j]);
      whole[m + j] = std::max(whole[m + j], bounds[m + j]);
    }
  }
  constexpr size_t few = 8;
  const bool prune = body.n > few && leaves > 1;
  const Body near = prune ? reachable(body, {y, count, count, whole, whole + m}, scratch.near,
                                     scratch.kept)
                         : body;
  scratch.order.resize(m);
  for (size_t leaf = 0; leaf < leaves; ++leaf) {
    run.check();
    const double* bounds = scratch.bounds.data() + leaf * 2 * m;
    const size_t from = leaf * leaf_size, size = std::min(leaf_size, count - from);
    const Directions here{y + from, count, size, bounds, bounds + m};
    const Body rows =
        near.n > few ? reachable(near, here, scratch.leaf, scratch.kept) : near;
    // The objectives that limit most come first.
    for (size_t j = 0; j < m; ++j) {
      size_t place = j;
      for (; place > 0 && bounds[m + scratch.order[place - 1]] > bounds[m + j]; --place)
        scratch.order[place] = scratch.order[place - 1];
      scratch.order[place] = j;
    }
    for (size_t p = from; p < from + size; p += 8 * strip)
      reach_of_strip(rows, y + p, count, scratch.order.data(), scratch.reach.data() + p);
  }
}

void through_face(const Body& body, const CubeFace& face, const Coordinates& at, const Run& run,
                  PolarScratch& scratch, double* value) {
  const size_t m = body.m, count = at.count;
  scratch.y.resize(m * count);
  scratch.reach.resize(count);
  double* y = scratch.y.data();
  std::fill(y + face.face * count, y + (face.face + 1) * count, 1.0);
  std::fill(value, value + count, 1.0);
  const Eight bend = all(face.bend), straight = all(1.0 - face.bend);
  for (size_t d = 0; d + 1 < m; ++d) {
    double* column = y + (d < face.face ? d : d + 1) * count;
    for (size_t p = 0; p < count; p += 8) {
      const Eight u = uniform(at, d, p);
      const Eight divisor = bend + straight * u;
      store(divisor / u, column + p);
      store(load(value + p) * divisor, value + p);
    }
  }
  reaches(body, count, run, scratch);
  // dx/du is the product of bend / divisor^2.
  const Eight bends = power(bend, m - 1);
  for (size_t p = 0; p < count; p += 8) {
    const Eight divisors = load(value + p);
    store(power(load(scratch.reach.data() + p), m) * (bends / (divisors * divisors)), value + p);
  }
}

void through_boxes(const Body& body, const double* inverse, const std::uint32_t* chosen,
                   const Coordinates& at, const Run& run, PolarScratch& scratch, double* value,
                   double* reach, double* y_out) {
  const size_t m = body.m, n = body.n, count = at.count;
  constexpr size_t tile = 64, width = 8 * strip;
  scratch.y.resize(width * m);
  scratch.reach.resize(width * tile);
  double* y = scratch.y.data();
  double* reaches = scratch.reach.data();
  for (size_t p = 0; p < count; p += width) {
    run.check();
    for (size_t l = 0; l < width; ++l) {
      const double* row = inverse + chosen[p + l] * m;
      for (size_t j = 0; j < m; ++j) y[j * width + l] = row[j];
    }
    for (size_t j = 0; j < m; ++j)
      for (size_t l = 0; l < width; l += 8) {
        const Eight here = load(y + j * width + l) / uniform(at, j + 1, p + l);
        store(here, y + j * width + l);
        if (y_out != nullptr) store(here, y_out + j * count + p + l);
      }
    // The sum is kept relative to the farthest reach so far.
    Eight best[strip], sum[strip], t[strip];
    for (size_t s = 0; s < strip; ++s) best[s] = sum[s] = all(0.0);
    for (size_t from = 0; from < n; from += tile) {
      const size_t rows = std::min(tile, n - from);
      Eight farthest[strip], unit[strip];
      std::copy_n(best, strip, farthest);
      for (size_t i = 0; i < rows; ++i) {
        const double* g = body.columns + from + i;
        for (size_t s = 0; s < strip; ++s) t[s] = all(*g) * load(y + 8 * s);
        for (size_t j = 1; j < m; ++j) {
          const Eight here = all(g[j * body.stride]);
          for (size_t s = 0; s < strip; ++s) t[s] = min(here * load(y + j * width + 8 * s), t[s]);
        }
        for (size_t s = 0; s < strip; ++s) {
          store(t[s], reaches + i * width + 8 * s);
          farthest[s] = max(t[s], farthest[s]);
        }
      }
      for (size_t s = 0; s < strip; ++s) {
        unit[s] = all(1.0) / farthest[s];
        sum[s] = sum[s] * power(best[s] * unit[s], m);
        best[s] = farthest[s];
      }
      for (size_t i = 0; i < rows; ++i) {
        for (size_t s = 0; s < strip; ++s) t[s] = load(reaches + i * width + 8 * s) * unit[s];
        raise(t, m);
        for (size_t s = 0; s < strip; ++s) sum[s] = sum[s] + t[s];
      }
    }
    for (size_t s = 0; s < strip; ++s) {
      store(all(1.0) / sum[s], value + p + 8 * s);
      if (reach != nullptr) store(best[s], reach + p + 8 * s);
    }
  }
}

double depth(const Body& body, const double* y) {
  Eight farthest = all(1.0);
  for (size_t i = 0; i < body.n; i += 8) {
    Eight t = load(body.columns + i) * all(y[0]);
    for (size_t j = 1; j < body.m; ++j) {
      if (above(t, farthest) == 0) break;
      t = min(load(body.columns + j * body.stride + i) * all(y[j]), t);
    }
    farthest = max(t, farthest);
  }
  return 1.0 / largest(farthest);
}

}  // namespace LAMOO_LEVEL
}  // namespace lamoo
