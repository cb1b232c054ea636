namespace lamoo {
namespace LAMOO_LEVEL {

// Which of the 32 children are <= limit in every column? A bit for each.
static inline std::uint32_t children_within(const std::uint16_t* child, const std::uint16_t* limit,
                                            std::size_t columns) {
#if LAMOO_AVX512
  __mmask32 within = ~__mmask32{0};
  for (std::size_t c = 0; c < columns && within != 0; ++c)
    within = _mm512_mask_cmple_epu16_mask(within, _mm512_loadu_si512(child + c * box_lanes),
                                          _mm512_set1_epi16(static_cast<short>(limit[c])));
  return within;
#else
  std::uint16_t beyond[box_lanes] = {};
  for (std::size_t c = 0; c < columns; ++c) {
    const std::uint16_t* x = child + c * box_lanes;
    const std::uint16_t most = limit[c];
    // x - min(x, most): not 0 where x > most
    for (std::size_t l = 0; l < box_lanes; ++l)
      beyond[l] = static_cast<std::uint16_t>(beyond[l] | (x[l] - std::min(x[l], most)));
    if (c % 2 == 1 && c + 1 < columns) {
      std::uint16_t all = 0xffff;
      for (std::size_t l = 0; l < box_lanes; ++l)
        all = static_cast<std::uint16_t>(all & (beyond[l] != 0 ? 0xffff : 0));
      if (all != 0) return 0;
    }
  }
  std::uint32_t within = 0;
  for (std::size_t l = 0; l < box_lanes; ++l)
    within |= static_cast<std::uint32_t>(beyond[l] == 0) << l;
  return within;
#endif
}

static bool any_within(const Boxes& boxes, std::size_t level, std::size_t node,
                       const std::uint16_t* limit, const Index* place) {
  const std::size_t columns = boxes.columns.count();
  const std::uint16_t* child = boxes.levels[level].data() + node * columns * box_lanes;
  std::uint32_t within = children_within(child, limit, columns);
  for (; within != 0; within &= within - 1) {
    const std::size_t next = node * box_lanes + static_cast<unsigned>(__builtin_ctz(within));
    if (level > 0 ? any_within(boxes, level - 1, next, limit, place)
                  : boxes.is_exact() || boxes.is_before(next, place))
      return true;
  }
  return false;
}

void mark_dominated(const Boxes& boxes, std::size_t first, std::size_t last, Index* place,
                    std::uint16_t* limit, std::uint8_t* dominated) {
  const std::size_t columns = boxes.columns.count(), top = boxes.levels.size() - 1;
  for (std::size_t i = first; i < last; ++i) {
    const Index k = boxes.rows[i];
    bool least = false;
    for (std::size_t c = 0; c < columns; ++c) {
      place[c] = boxes.columns.place(c)[k];
      least |= place[c] == 0;
      limit[c] = static_cast<std::uint16_t>(boxes.is_exact() ? place[c] - 1 : place[c] >> boxes.shift);
    }
    dominated[k] = !least && any_within(boxes, top, 0, limit, place);
  }
}

}  // namespace LAMOO_LEVEL
}  // namespace lamoo
