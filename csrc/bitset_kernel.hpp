// Included by the kernel files that work on sets of up to 512 bits.
namespace lamoo {
namespace LAMOO_LEVEL {

// A WordSet in registers.
struct Bits {
  typedef std::uint64_t Lanes __attribute__((vector_size(8 * LAMOO_LANES), may_alias));
  static constexpr std::size_t n_parts = n_words / LAMOO_LANES;
  Lanes part[n_parts];

  static Bits load(const WordSet& set) {
    Bits bits;
    for (std::size_t p = 0; p < n_parts; ++p) bits.part[p] = lanes(set)[p];
    return bits;
  }

  void store(WordSet& set) const {
    for (std::size_t p = 0; p < n_parts; ++p) reinterpret_cast<Lanes*>(set.word)[p] = part[p];
  }

  void operator&=(const WordSet& set) {
    for (std::size_t p = 0; p < n_parts; ++p) part[p] &= lanes(set)[p];
  }

  void add(std::size_t bit) {
    const std::uint64_t word = bit / 64, one = std::uint64_t{1} << bit % 64;
    for (std::size_t p = 0; p < n_parts; ++p) part[p] |= (Lanes)(lane(p) == word) & one;
  }

  void keep_below(std::size_t bit) {
    const std::uint64_t word = bit / 64, below = (std::uint64_t{1} << bit % 64) - 1;
    for (std::size_t p = 0; p < n_parts; ++p)
      part[p] &= (Lanes)(lane(p) < word) | ((Lanes)(lane(p) == word) & below);
  }

  Index count() const {
    int count = 0;
    for (std::size_t w = 0; w < n_words; ++w)
      count += __builtin_popcountll(part[w / LAMOO_LANES][w % LAMOO_LANES]);
    return static_cast<Index>(count);
  }

  // The last bit of the set, or -1.
  int last() const {
    for (std::size_t w = n_words; w-- > 0;) {
      const std::uint64_t word = part[w / LAMOO_LANES][w % LAMOO_LANES];
      if (word != 0) return static_cast<int>(w * 64) + 63 - __builtin_clzll(word);
    }
    return -1;
  }

 private:
  static const Lanes* lanes(const WordSet& set) {
    return reinterpret_cast<const Lanes*>(set.word);
  }

  static Lanes lane(std::size_t p) {
    Lanes lane;
    for (std::size_t l = 0; l < LAMOO_LANES; ++l) lane[l] = p * LAMOO_LANES + l;
    return lane;
  }
};

}  // namespace LAMOO_LEVEL
}  // namespace lamoo
