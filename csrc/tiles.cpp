#include "tiles.hpp"

#include <algorithm>

#include "parallel.hpp"

#define LAMOO_KERNEL_FILE "tile_kernel.hpp"
#include "foreach_level.hpp"

namespace lamoo {

Columns::Columns(const double* F, const std::vector<Index>& rows, std::size_t m, std::size_t first,
                 const Run& run)
    : n_(rows.size()), count_(m - first), place_(count_ * n_), order_(count_ * n_) {
  constexpr std::size_t few = 10000;  // numbers that one thread sorts in a fraction of a millisecond
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

Tile::Tile(const Columns& all)
    : columns(all),
      stride(std::min(all.n(), tile_size) + 1),
      tables(all.count() * stride),
      marks(all.count() * (all.n() / 64 + 1)),
      smaller(64 * all.count()) {}

void count_in_tile(Tile& tile, std::size_t first, std::size_t last, const Run& run,
                   Index* counts) {
  tile.first = first;
  tile.last = last;
  LAMOO_DISPATCH(count_in_tile)(tile, run, counts);
}

}  // namespace lamoo
