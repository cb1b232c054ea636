#include "bitset_kernel.hpp"

namespace lamoo {
namespace LAMOO_LEVEL {

static void fill_tile(Tile& tile) {
  const std::size_t first = tile.first, per_column = tile.marks.size() / tile.columns.count();
  for (std::size_t c = 0; c < tile.columns.count(); ++c) {
    const Index* place = tile.columns.place(c);
    const Index* order = tile.columns.order(c);
    Tile::Mark* marks = tile.marks.data() + c * per_column;
    WordSet* table = tile.tables.data() + c * tile.stride;
    for (std::size_t w = 0; w < per_column; ++w) marks[w] = {0, 0};
    for (std::size_t k = first; k < tile.last; ++k)
      marks[place[k] / 64].bits |= std::uint64_t{1} << place[k] % 64;
    Index before = 0;
    Bits smallest = {};
    smallest.store(table[0]);
    for (std::size_t w = 0; w < per_column; ++w) {
      marks[w].before = before;
      for (std::uint64_t bits = marks[w].bits; bits != 0; bits &= bits - 1) {
        const Index k = order[w * 64 + static_cast<unsigned>(__builtin_ctzll(bits))];
        smallest.add(tile.bit_of(k));
        smallest.store(table[++before]);
      }
    }
  }
}

// Calls visit(i, set) for i = 0 .. count-1 with the rows of the tile that are <= row at(i) in every
// column.
template <class At, class Visit>
static inline void for_each_set(const Tile& tile, std::size_t count, At at, Visit visit) {
  constexpr std::size_t chunk = 64;  // rows whose places are looked up at a time
  const std::size_t columns = tile.columns.count(), per_column = tile.marks.size() / columns;
  std::uint16_t* smaller = tile.smaller.data();
  for (std::size_t low = 0; low < count; low += chunk) {
    const std::size_t size = std::min(chunk, count - low);
    for (std::size_t c = 0; c < columns; ++c) {
      const Index* place = tile.columns.place(c);
      const Tile::Mark* marks = tile.marks.data() + c * per_column;
      for (std::size_t i = 0; i < size; ++i) {
        const Index p = place[at(low + i)];
        const Tile::Mark& mark = marks[p / 64];
        const std::uint64_t below = mark.bits & ((std::uint64_t{1} << p % 64) - 1);
        smaller[i * columns + c] = static_cast<std::uint16_t>(
            mark.before + static_cast<unsigned>(__builtin_popcountll(below)));
      }
    }
    for (std::size_t i = 0; i < size; ++i) {
      const std::uint16_t* k = smaller + i * columns;
      const WordSet* table = tile.tables.data();
      Bits set = Bits::load(table[k[0]]);
      for (std::size_t c = 1; c < columns; ++c) {
        table += tile.stride;
        set &= table[k[c]];
      }
      visit(low + i, set);
    }
  }
}

void count_in_tile(Tile& tile, const Run& run, Index* counts) {
  fill_tile(tile);
  const std::size_t first = tile.first, n = tile.columns.n();
  for_each_set(
      tile, tile.last - first, [=](std::size_t i) { return first + i; },
      [=](std::size_t i, Bits& set) {
        set.keep_below(i);
        counts[first + i] += set.count();
      });
  constexpr std::size_t some = 4096;
  for (std::size_t low = tile.last; low < n; low += some) {
    run.check();
    for_each_set(
        tile, std::min(some, n - low), [=](std::size_t i) { return low + i; },
        [=](std::size_t i, const Bits& set) { counts[low + i] += set.count(); });
  }
}

}  // namespace LAMOO_LEVEL
}  // namespace lamoo
