// Which rows of a tile are <= a given row in every column, as a bitset. Of rows in an order in which
// no row is dominated by a later one, a tile is up to 512 neighbours; for each column it has a table
// of the sets of its k smallest rows, k = 0 .. 512. One row of each table, ANDed, is the answer.
//
// Equal numbers are ordered by position. For rows that come after a tile this is as good as <=, and
// all columns become permutations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "run.hpp"
#include "sorting.hpp"

namespace lamoo {

constexpr std::size_t tile_size = 512;

constexpr std::size_t n_words = tile_size / 64;
struct alignas(64) WordSet {
  std::uint64_t word[n_words];
};

// Columns of n rows as permutations of 0 .. n-1, which compare as the numbers do; positions in
// `rows` order equal numbers.
class Columns {
 public:
  // The columns first .. m-1 of F (n, m).
  Columns(const double* F, const std::vector<Index>& rows, std::size_t m, std::size_t first,
          const Run& run);
  // The same with positions themselves as a column before the others, then with row k at the
  // position where it is in `rows`.
  Columns(const Columns& other, const std::vector<Index>& rows, const Run& run);

  std::size_t count() const { return count_; }
  std::size_t n() const { return n_; }
  const Index* place(std::size_t c) const { return place_.data() + c * n_; }  // of a position
  const Index* order(std::size_t c) const { return order_.data() + c * n_; }  // its inverse

 private:
  std::size_t n_, count_;
  std::vector<Index> place_, order_;
};

struct Tile {
  explicit Tile(const Columns& all);

  // Where the tile's rows are in a column: bits of 64 places, and how many rows are before.
  struct Mark {
    std::uint64_t bits;
    Index before;
  };

  const Columns& columns;
  std::vector<Index> rows;         // up to tile_size positions
  std::vector<std::uint16_t> bit;  // of a position, if it is in the tile
  std::size_t stride;              // of the tables
  std::vector<WordSet> tables;     // [column][k]
  std::vector<Mark> marks;         // [column][place / 64]
};

constexpr std::size_t chunk_size = 64;  // rows whose places in a tile are looked up at a time
using Smaller = std::vector<std::uint16_t>;  // scratch memory, chunk_size * columns

// counts[k] += how many of the rows first .. last-1 are before row k in all columns and in the
// order, for k >= first.
void count_in_tile(Tile& tile, std::size_t first, std::size_t last, const Run& run,
                   Smaller& smaller, Index* counts);

// Ranks among the rows of the tile, given lower bounds. Columns must settle the order: no row is
// before an earlier one in all of them. Then puts the tile's rows and bits in the order of rank.
void rank_in_tile(Tile& tile, Smaller& smaller, Index* ranks);

// Raises the ranks of the given rows, all after the tile, above the rows of the tile that are before
// them in all columns.
void rank_above_tile(const Tile& tile, const Index* rows, std::size_t n, Smaller& smaller,
                     Index* ranks);

}  // namespace lamoo
