#include "bitset_kernel.hpp"

namespace lamoo {
namespace LAMOO_LEVEL {

void fill_tile(Tile& tile) {
  const std::size_t per_column = tile.marks.size() / tile.columns.count();
  for (std::size_t c = 0; c < tile.columns.count(); ++c) {
    const Index* place = tile.columns.place(c);
    const Index* order = tile.columns.order(c);
    Tile::Mark* marks = tile.marks.data() + c * per_column;
    WordSet* table = tile.tables.data() + c * tile.stride;
    for (std::size_t w = 0; w < per_column; ++w) marks[w] = {0, 0};
    for (const Index k : tile.rows) marks[place[k] / 64].bits |= std::uint64_t{1} << place[k] % 64;
    Index before = 0;
    Bits smallest = {};
    smallest.store(table[0]);
    for (std::size_t w = 0; w < per_column; ++w) {
      marks[w].before = before;
      for (std::uint64_t bits = marks[w].bits; bits != 0; bits &= bits - 1) {
        smallest.add(tile.bit[order[w * 64 + static_cast<unsigned>(__builtin_ctzll(bits))]]);
        smallest.store(table[++before]);
      }
    }
  }
}

// Calls visit(i, set) for i = 0 .. n-1 with the rows of the tile that are before row at(i) in every
// column.
template <class At, class Visit>
static inline void for_each_set(const Tile& tile, std::size_t n, std::uint16_t* smaller, At at,
                                Visit visit) {
  const std::size_t columns = tile.columns.count(), per_column = tile.marks.size() / columns;
  for (std::size_t low = 0; low < n; low += chunk_size) {
    const std::size_t size = std::min(chunk_size, n - low);
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

void count_in_tile(Tile& tile, const Run& run, std::uint16_t* smaller, Index* counts) {
  fill_tile(tile);
  const std::size_t first = tile.rows.front(), n = tile.columns.n();
  for_each_set(
      tile, tile.rows.size(), smaller, [=](std::size_t i) { return first + i; },
      [=](std::size_t i, Bits& set) {
        set.keep_below(i);
        counts[first + i] += set.count();
      });
  constexpr std::size_t some = 4096;
  for (std::size_t low = tile.rows.back() + 1u; low < n; low += some) {
    run.check();
    for_each_set(
        tile, std::min(some, n - low), smaller, [=](std::size_t i) { return low + i; },
        [=](std::size_t i, const Bits& set) { counts[low + i] += set.count(); });
  }
}

void rank_in_tile(Tile& tile, std::uint16_t* smaller, Index* ranks) {
  constexpr std::size_t lanes = 32;
  fill_tile(tile);
  Index above[tile_size] = {};  // rank + 1 of the rows done
  Index lane_bit[lanes];
  for (std::size_t l = 0; l < lanes; ++l) lane_bit[l] = Index{1} << l;
  const Index* rows = tile.rows.data();
  for_each_set(
      tile, tile.rows.size(), smaller, [=](std::size_t i) { return rows[i]; },
      [&](std::size_t i, const Bits& set) {
        WordSet words;
        set.store(words);
        Index most[lanes] = {};
        for (std::size_t part = 0; part <= i / lanes; ++part) {
          const Index bits = static_cast<Index>(words.word[part / 2] >> part % 2 * 32);
          if (bits == 0) continue;
          for (std::size_t l = 0; l < lanes; ++l) {
            const Index a = (bits & lane_bit[l]) != 0 ? above[part * lanes + l] : 0;
            most[l] = std::max(most[l], a);
          }
        }
        Index rank = ranks[rows[i]];
        for (std::size_t l = 0; l < lanes; ++l) rank = std::max(rank, most[l]);
        ranks[rows[i]] = rank;
        above[i] = rank + 1;
      });
}

void rank_above_tile(const Tile& tile, const Index* rows, std::size_t n, std::uint16_t* smaller,
                     Index* ranks) {
  const Index* tile_rows = tile.rows.data();  // in the order of rank
  for_each_set(
      tile, n, smaller, [=](std::size_t i) { return rows[i]; },
      [=](std::size_t i, const Bits& set) {
        const int last = set.last();
        if (last >= 0) ranks[rows[i]] = std::max(ranks[rows[i]], ranks[tile_rows[last]] + 1);
      });
}

}  // namespace LAMOO_LEVEL
}  // namespace lamoo
