#include "tiles.hpp"

#include <algorithm>

#include "parallel.hpp"

#define LAMOO_KERNEL_FILE "tile_kernel.hpp"
#include "foreach_level.hpp"

namespace lamoo {
namespace {

constexpr std::size_t few = 10000;  // numbers that one thread sorts in a fraction of a millisecond

}  // namespace

Columns::Columns(const double* F, const std::vector<Index>& rows, std::size_t m, std::size_t first,
                 const Run& run)
    : n_(rows.size()), count_(m - first), place_(count_ * n_), order_(count_ * n_) {
  parallel_for(count_, n_ * count_ < few ? 1 : run.n_threads(), run, [&] {
    return [&, records = std::vector<Record>(n_), sorter = Sorter()](std::size_t c) mutable {
      for (std::size_t k = 0; k < n_; ++k)
        records[k] = {order_key(F[rows[k] * m + first + c]), 0, static_cast<Index>(k)};
      sorter.sort(records.data(), records.data() + n_);
      for (std::size_t k = 0; k < n_; ++k) {
        order_[c * n_ + k] = records[k].row;
        place_[c * n_ + records[k].row] = static_cast<Index>(k);
      }
    };
  });
}

Columns::Columns(const Columns& other, const std::vector<Index>& rows, const Run& run)
    : n_(other.n_), count_(other.count_ + 1), place_(count_ * n_), order_(count_ * n_) {
  parallel_for(count_, n_ * count_ < 10 * few ? 1 : run.n_threads(), run, [&] {
    return [&](std::size_t c) {
      for (std::size_t k = 0; k < n_; ++k) {
        const Index place = c == 0 ? rows[k] : other.place(c - 1)[rows[k]];
        place_[c * n_ + k] = place;
        order_[c * n_ + place] = static_cast<Index>(k);
      }
    };
  });
}

Tile::Tile(const Columns& all)
    : columns(all),
      bit(all.n()),
      stride(std::min(all.n(), tile_size) + 1),
      tables(all.count() * stride),
      marks(all.count() * (all.n() / 64 + 1)) {
  rows.reserve(tile_size);
}

void count_in_tile(Tile& tile, std::size_t first, std::size_t last, const Run& run,
                   Smaller& smaller, Index* counts) {
  tile.rows.clear();
  for (std::size_t k = first; k < last; ++k) {
    tile.rows.push_back(static_cast<Index>(k));
    tile.bit[k] = static_cast<std::uint16_t>(k - first);
  }
  LAMOO_DISPATCH(count_in_tile)(tile, run, smaller.data(), counts);
}

void rank_in_tile(Tile& tile, Smaller& smaller, Index* ranks) {
  for (std::size_t i = 0; i < tile.rows.size(); ++i)
    tile.bit[tile.rows[i]] = static_cast<std::uint16_t>(i);
  LAMOO_DISPATCH(rank_in_tile)(tile, smaller.data(), ranks);

  std::stable_sort(tile.rows.begin(), tile.rows.end(),
                   [=](Index a, Index b) { return ranks[a] < ranks[b]; });
  for (std::size_t i = 0; i < tile.rows.size(); ++i)
    tile.bit[tile.rows[i]] = static_cast<std::uint16_t>(i);
  LAMOO_DISPATCH(fill_tile)(tile);
}

void rank_above_tile(const Tile& tile, const Index* rows, std::size_t n, Smaller& smaller,
                     Index* ranks) {
  LAMOO_DISPATCH(rank_above_tile)(tile, rows, n, smaller.data(), ranks);
}

}  // namespace lamoo
