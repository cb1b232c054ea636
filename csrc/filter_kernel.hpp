namespace lamoo {
namespace LAMOO_LEVEL {

// Is a pivot of this group <= x in every objective and not equal to x? M: m, or 0 for any.
template <std::size_t M>
static inline bool group_dominates(const double* group, const double* x, std::size_t m) {
  if (M != 0) m = M;
  unsigned hit = 0;
#if LAMOO_AVX512
  __mmask8 less_equal = 0xff;
  for (std::size_t j = 0; j < m; ++j)
    less_equal = _mm512_mask_cmp_pd_mask(less_equal, _mm512_loadu_pd(group + j * pivot_lanes),
                                         _mm512_set1_pd(x[j]), _CMP_LE_OQ);
  hit = less_equal;
#else
  std::int64_t lanes[pivot_lanes];
  for (std::size_t l = 0; l < pivot_lanes; ++l) lanes[l] = group[l] <= x[0];
  for (std::size_t j = 1; j < m; ++j)
    for (std::size_t l = 0; l < pivot_lanes; ++l)
      lanes[l] &= std::int64_t{group[j * pivot_lanes + l] <= x[j]};
  for (std::size_t l = 0; l < pivot_lanes; ++l) hit |= static_cast<unsigned>(lanes[l]) << l;
#endif
  for (; hit != 0; hit &= hit - 1) {
    const double* pivot = group + __builtin_ctz(hit);
    for (std::size_t j = 0; j < m; ++j)
      if (pivot[j * pivot_lanes] != x[j]) return true;
  }
  return false;
}

template <std::size_t M>
static std::size_t filter_as(const double* F, std::size_t first, std::size_t last, Pivots& pivots,
                             bool improve, Index* kept) {
  const std::size_t m = M != 0 ? M : pivots.m;
  std::size_t count = 0;
  for (std::size_t i = first; i < last; ++i) {
    const double* x = F + i * m;
    bool dominated = false;
    for (std::size_t g = 0; g < pivots.n_groups && !dominated; ++g)
      dominated = group_dominates<M>(pivots.group(g), x, m);
    if (dominated) continue;
    kept[count++] = static_cast<Index>(i);
    if (improve) pivots.offer(x);
  }
  return count;
}

std::size_t filter(const double* F, std::size_t first, std::size_t last, Pivots& pivots,
                   bool improve, Index* kept) {
  switch (pivots.m) {
    case 2: return filter_as<2>(F, first, last, pivots, improve, kept);
    case 3: return filter_as<3>(F, first, last, pivots, improve, kept);
    case 4: return filter_as<4>(F, first, last, pivots, improve, kept);
    case 5: return filter_as<5>(F, first, last, pivots, improve, kept);
    default: return filter_as<0>(F, first, last, pivots, improve, kept);
  }
}

}  // namespace LAMOO_LEVEL
}  // namespace lamoo
