namespace lamoo {
namespace LAMOO_LEVEL {

// Bit l: is column[j][l] <= x[j] (>= for Greater) for every j? Columns of 8 numbers, `stride` apart.
// Nothing holds for NaN.
template <bool Greater>
static inline unsigned compare8(const double* column, std::size_t stride, const double* x,
                                std::size_t m) {
#if LAMOO_AVX512
  constexpr int relation = Greater ? _CMP_GE_OQ : _CMP_LE_OQ;
  __mmask8 holds = 0xff;
  for (std::size_t j = 0; j < m && holds != 0; ++j, column += stride)
    holds = _mm512_mask_cmp_pd_mask(holds, _mm512_loadu_pd(column), _mm512_set1_pd(x[j]), relation);
  return holds;
#else
  std::int64_t holds[8] = {1, 1, 1, 1, 1, 1, 1, 1};
  for (std::size_t j = 0; j < m; ++j, column += stride) {
    std::int64_t any = 0;
    for (std::size_t l = 0; l < 8; ++l) {
      holds[l] &= std::int64_t{Greater ? column[l] >= x[j] : column[l] <= x[j]};
      any |= holds[l];
    }
    if (any == 0) return 0;
  }
  unsigned bits = 0;
  for (std::size_t l = 0; l < 8; ++l) bits |= static_cast<unsigned>(holds[l]) << l;
  return bits;
#endif
}

// A block is 32 rows.
bool covers_block(const double* block, const double* x, std::size_t m) {
  for (unsigned part = 0; part < 4; ++part)
    if (compare8<false>(block + part * 8, 32, x, m) != 0) return true;
  return false;
}

std::uint32_t covered_in_block(const double* block, const double* x, std::size_t m) {
  std::uint32_t bits = 0;
  for (unsigned part = 0; part < 4; ++part)
    bits |= compare8<true>(block + part * 8, 32, x, m) << part * 8;
  return bits;
}

// The first block that holds a row <= x, or n_blocks.
std::size_t covering_block(const double* lower, const double* rows, std::size_t n_blocks,
                           const double* x, std::size_t m) {
  for (std::size_t b = 0; b < n_blocks; b += 8)
    for (unsigned hit = compare8<false>(lower + b * m, 8, x, m); hit != 0; hit &= hit - 1) {
      const std::size_t block = b + static_cast<unsigned>(__builtin_ctz(hit));
      if (covers_block(rows + block * m * 32, x, m)) return block;
    }
  return n_blocks;
}

// Which of eight blocks may hold rows >= x?
unsigned reached(const double* upper, const double* x, std::size_t m) {
  return compare8<true>(upper, 8, x, m);
}

// The block whose centre is nearest to x.
std::size_t nearest_block(const double* lower, const double* upper, std::size_t n_blocks,
                          const double* x, const double* scale, std::size_t m) {
  double least = std::numeric_limits<double>::infinity();
  std::size_t nearest = 0;
  for (std::size_t b = 0; b < n_blocks; b += 8) {
    double distance[8] = {};
    for (std::size_t j = 0; j < m; ++j)
      for (std::size_t l = 0; l < 8; ++l) {
        const std::size_t i = (b / 8 * m + j) * 8 + l;
        const double d = (x[j] - lower[i] + (x[j] - upper[i])) * scale[j];
        distance[l] += d * d;
      }
    for (std::size_t l = 0; l < 8; ++l)
      if (distance[l] < least) {
        least = distance[l];
        nearest = b + l;
      }
  }
  return nearest;
}

}  // namespace LAMOO_LEVEL
}  // namespace lamoo
