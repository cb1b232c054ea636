#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <utility>
#include <vector>

#include "dominance.hpp"
#include "few_rows.hpp"
#include "parallel.hpp"
#include "prefixes.hpp"
#include "sorting.hpp"
#include "tiles.hpp"

namespace lamoo {
namespace {

constexpr std::size_t rank_leaf_size = 64;

}  // namespace
}  // namespace lamoo

#define LAMOO_KERNEL_FILE "rank_kernel.hpp"
#include "foreach_level.hpp"

namespace lamoo {
namespace {

// Distinct rows, called by their position k in lexicographic order.
struct Distinct {
  Distinct(const double* F, std::size_t n, std::size_t m, const Run& run) : order(F, n, m, run) {
    for (std::size_t k = 0; k < n; ++k) {
      if (order.equal[k] == k) {
        rows.push_back(order.row[k]);
        weight.push_back(0);
      }
      ++weight.back();
    }
  }

  LexicographicOrder order;
  std::vector<Index> rows, weight;  // weight: how many rows are equal
};

// How many fronts are wanted, as far as the rows ranked so far tell.
class Wanted {
 public:
  explicit Wanted(RankLimit limit) : points_(limit.points) {
    constexpr std::size_t most = std::numeric_limits<Index>::max();
    fronts_ = static_cast<Index>(std::min(limit.fronts, most));
  }

  Index fronts() const { return fronts_; }

  void add(Index rank, Index weight) {
    if (rank >= fronts_) return;
    if (rank >= sizes_.size()) sizes_.resize(rank + std::size_t{1}, 0);
    sizes_[rank] += weight;
    held_ += weight;
    // The last front is one too many as soon as those before it hold enough.
    while (sizes_.size() > 1 && held_ - sizes_.back() >= points_) {
      held_ -= sizes_.back();
      sizes_.pop_back();
    }
    if (held_ >= points_) fronts_ = static_cast<Index>(sizes_.size());
  }

 private:
  std::size_t points_, held_ = 0;
  Index fronts_;
  std::vector<std::size_t> sizes_;
};

// m = 2: the last row of a front has the least second objective; a row that some front dominates is
// dominated by all fronts before it (Jensen 2003).
void rank_plane(const double* F, const std::vector<Index>& rows, std::vector<Index>& ranks,
                Index fronts) {
  std::vector<double> least;  // of each front, ascending
  for (std::size_t k = 0; k < rows.size(); ++k) {
    const double y = F[rows[k] * 2 + 1];
    const double* first = least.data();
    for (std::size_t n = least.size(); n > 0;) {  // without a branch to mispredict
      const std::size_t half = (n + 1) / 2;
      first += first[half - 1] <= y ? half : 0;
      n -= half;
    }
    const std::size_t rank = static_cast<std::size_t>(first - least.data());
    ranks[k] = static_cast<Index>(rank);
    if (rank == fronts) continue;
    if (rank == least.size())
      least.push_back(y);
    else
      least[rank] = y;
  }
}

// m = 3: the lower half of the rows, then what it means for the upper half, then the upper half.
class CubeRanks {
 public:
  CubeRanks(const Columns& columns, const Run& run, std::vector<Index>& ranks)
      : run_(run),
        ranks_(ranks.data()),
        y_(2 * columns.n() + 64),
        z_(2 * columns.n() + 64),
        z_place_(columns.n()),
        tree_(prefix_bytes(columns.n())) {
    std::copy_n(columns.order(0), columns.n(), y_.begin());
    std::copy_n(columns.order(1), columns.n(), z_.begin());
    rank(y_.data(), z_.data(), 0, static_cast<Index>(columns.n()));
  }

 private:
  // y, z: the rows low .. high-1 in the order of either column. The memory behind is free.
  void rank(const Index* y, const Index* z, Index low, Index high) {
    const Index n = high - low, middle = low + n / 2;
    if (n <= rank_leaf_size) return LAMOO_DISPATCH(rank_leaf)(y, z, low, high, ranks_);
    run_.check();
    Index* y_half = y_.data() + (y - y_.data()) + n;
    Index* z_half = z_.data() + (z - z_.data()) + n;
    select(y, n, low, middle, y_half);
    select(z, n, low, middle, z_half);
    rank(y_half, z_half, low, middle);
    LAMOO_DISPATCH(rank_across)(y, z, low, middle, high, tree_.data(), z_place_.data(), ranks_);
    select(y, n, middle, high, y_half);
    select(z, n, middle, high, z_half);
    rank(y_half, z_half, middle, high);
  }

  static void select(const Index* rows, Index n, Index low, Index high, Index* out) {
    for (Index i = 0; i < n; ++i) {
      *out = rows[i];
      out += (rows[i] >= low) & (rows[i] < high);
    }
  }

  const Run& run_;
  Index* ranks_;
  std::vector<Index> y_, z_, z_place_;
  std::vector<unsigned char> tree_;
};

// m >= 4, rows in an order in which no row is dominated by a later one: a tile's rows are ranked
// among themselves, then all later rows are ranked above them. Threads share out the rows after
// several tiles: one tile is too little work for a start. One of them goes ahead to the next tiles.
class TileRanks {
 public:
  TileRanks(const Columns& columns, const Run& run)
      : columns_(columns), run_(run), n_(columns.n()) {
    constexpr std::size_t several = 4;
    const std::size_t numbers = n_ * columns.count() * several;
    threads_ = numbers < 2 * enough ? 1 : run.n_threads();
    const std::size_t size = threads_ > 1 ? several : 1;
    for (Group& group : groups_) {
      group.tiles.reserve(size);
      while (group.tiles.size() < size) group.tiles.emplace_back(columns);
      group.most.resize(size);
    }
  }

  template <class Weight>
  void rank_all(Weight weight, Wanted& wanted, std::vector<Index>& ranks) {
    Group *now = &groups_[0], *next = &groups_[1];
    now->end = end_of_group(0, wanted, ranks);
    Scratch scratch(columns_);
    rank_group(*now, 0, weight, wanted, scratch, ranks);
    for (; now->end < n_; std::swap(now, next)) {
      next->end = end_of_group(now->end, wanted, ranks);
      const std::size_t rows = n_ - now->end, chunks = (n_ - next->end + chunk - 1) / chunk;
      const int threads = rows * columns_.count() * now->used < enough ? 1 : threads_;
      parallel_for(1 + chunks, threads, run_, [&] {
        return [&, own = Scratch(columns_)](std::size_t i) mutable {
          const std::size_t low = i == 0 ? now->end : next->end + (i - 1) * chunk;
          const std::size_t high = i == 0 ? next->end : std::min(n_, low + chunk);
          for (std::size_t t = 0; t < now->used; ++t) raise(*now, t, low, high, own, ranks);
          if (i == 0) rank_group(*next, low, weight, wanted, own, ranks);
        };
      });
    }
  }

 private:
  static constexpr std::size_t chunk = 2048;     // rows
  static constexpr std::size_t enough = 250000;  // numbers to look up that are worth threads

  struct Group {
    std::vector<Tile> tiles;
    std::vector<Index> most;  // of each tile: the highest rank that it can raise
    std::size_t used = 0;     // tiles
    std::size_t end = 0;      // after its rows
  };
  struct Scratch {
    explicit Scratch(const Columns& columns) : smaller(chunk_size * columns.count()), rows(chunk) {}
    Smaller smaller;
    std::vector<Index> rows;
  };

  // The rows first .. end-1 fill the tiles of a group.
  std::size_t end_of_group(std::size_t first, const Wanted& wanted,
                           const std::vector<Index>& ranks) const {
    std::size_t end = first;
    for (std::size_t room = groups_[0].tiles.size() * tile_size; room > 0 && end < n_; ++end)
      room -= ranks[end] < wanted.fronts();
    return end;
  }

  // The rows first .. group.end-1, which have their ranks above all rows before them.
  template <class Weight>
  void rank_group(Group& group, std::size_t first, Weight weight, Wanted& wanted, Scratch& own,
                  std::vector<Index>& ranks) const {
    for (group.used = 0; first < group.end; ++group.used) {
      Tile& tile = group.tiles[group.used];
      tile.rows.clear();
      for (; first < group.end && tile.rows.size() < tile_size; ++first)
        if (ranks[first] < wanted.fronts()) tile.rows.push_back(static_cast<Index>(first));
      if (tile.rows.empty()) return;
      rank_in_tile(tile, own.smaller, ranks.data());
      for (const Index k : tile.rows) wanted.add(ranks[k], weight(k));
      // Rows that already are above the tile, or out of the fronts wanted, have nothing to learn.
      group.most[group.used] = std::min(ranks[tile.rows.back()], wanted.fronts() - 1);
      raise(group, group.used, first, group.end, own, ranks);
    }
  }

  void raise(const Group& group, std::size_t t, std::size_t low, std::size_t high, Scratch& own,
             std::vector<Index>& ranks) const {
    for (; low < high; low += chunk) {
      std::size_t count = 0;
      for (std::size_t k = low; k < std::min(high, low + chunk); ++k) {
        own.rows[count] = static_cast<Index>(k);
        count += ranks[k] <= group.most[t];
      }
      rank_above_tile(group.tiles[t], own.rows.data(), count, own.smaller, ranks.data());
    }
  }

  const Columns& columns_;
  const Run& run_;
  std::size_t n_;
  int threads_;
  Group groups_[2];
};

// m >= 4: in the order of the sum of places, in which dominators are mostly near.
void rank_tiles(const Columns& places, const std::vector<Index>& weight, Wanted& wanted,
                const Run& run, std::vector<Index>& out) {
  const std::size_t n = places.n();
  std::vector<Record> records(n);
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t sum = k;
    for (std::size_t c = 0; c < places.count(); ++c) sum += places.place(c)[k];
    records[k] = {order_key(static_cast<double>(sum)), 0, static_cast<Index>(k)};
  }
  Sorter().sort(records.data(), records.data() + n);
  std::vector<Index> position(n), ranks(n, 0);
  for (std::size_t i = 0; i < n; ++i) position[i] = records[i].row;
  records = {};

  const Columns columns(places, position, run);
  TileRanks(columns, run).rank_all([&](Index k) { return weight[position[k]]; }, wanted, ranks);
  for (std::size_t i = 0; i < n; ++i) out[position[i]] = ranks[i];
}

void rank_few(const double* F, std::size_t n, std::size_t m, RankLimit limit, std::int64_t* out) {
  std::uint32_t dominators[few_rows];
  find_dominators(F, n, m, false, dominators);
  std::uint32_t left = n == 0 ? 0 : ~std::uint32_t{0} >> (32 - n);
  std::size_t front = 0, held = 0;
  while (left != 0 && front < limit.fronts && held < limit.points) {
    std::uint32_t found = 0;
    for (std::size_t i = 0; i < n; ++i)
      if ((left >> i & 1u) != 0 && (dominators[i] & left) == 0) {
        out[i] = static_cast<std::int64_t>(front);
        found |= std::uint32_t{1} << i;
        ++held;
      }
    if (found == 0) break;  // only if there is NaN
    left &= ~found;
    ++front;
  }
  for (std::size_t i = 0; i < n; ++i)
    if ((left >> i & 1u) != 0) out[i] = static_cast<std::int64_t>(front);
}

}  // namespace

void pareto_rank(const double* F, std::size_t n, std::size_t m, RankLimit limit, const Run& run,
                 std::int64_t* out) {
  if (n <= few_rows) return rank_few(F, n, m, limit, out);
  const Distinct distinct(F, n, m, run);
  const std::vector<Index>& rows = distinct.rows;
  std::vector<Index> ranks(rows.size(), 0);
  Wanted wanted(limit);
  if (m == 1) {
    for (std::size_t k = 0; k < rows.size(); ++k) ranks[k] = static_cast<Index>(k);
  } else if (m == 2) {
    rank_plane(F, rows, ranks, wanted.fronts());
  } else {
    const Columns columns(F, rows, m, 1, run);
    if (m == 3)
      CubeRanks(columns, run, ranks);
    else
      rank_tiles(columns, distinct.weight, wanted, run, ranks);
  }

  Wanted all(limit);
  for (std::size_t k = 0; k < rows.size(); ++k) all.add(ranks[k], distinct.weight[k]);
  std::size_t d = 0;
  for (std::size_t k = 0; k < n; ++k) {
    d += distinct.order.equal[k] == k;
    out[distinct.order.row[k]] = std::min(ranks[d - 1], all.fronts());
  }
}

}  // namespace lamoo
