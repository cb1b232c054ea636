#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "dominance.hpp"
#include "few_rows.hpp"
#include "parallel.hpp"
#include "prefixes.hpp"
#include "sorting.hpp"
#include "tiles.hpp"

#define LAMOO_KERNEL_FILE "count_kernel.hpp"
#include "foreach_level.hpp"

namespace lamoo {
namespace {

// Rows are called by their position k in lexicographic order: only rows before a row dominate it.
// Columns are permutations in which equal numbers are ordered by position, so row i <= row k
// everywhere, for i < k, when i is before k in all columns. Rows equal to k are counted that way
// too, and taken off at the end.

// What a thread counts on its own; added to the sum when the thread is done.
struct Counts {
  Counts(std::vector<Index>& all, std::mutex& lock) : counts(all.size()), sum(all), mutex(lock) {}
  Counts(const Counts&) = delete;
  ~Counts() {
    const std::lock_guard<std::mutex> lock(mutex);
    for (std::size_t k = 0; k < sum.size(); ++k) sum[k] += counts[k];
  }

  std::vector<Index> counts, &sum;
  std::mutex& mutex;
};

// ---- three objectives: divide and conquer (Kung, Luccio and Preparata 1975) ----

// Of the rows low .. high-1, how many of the lower half are before each of the upper half in y and
// in z; then the same for either half.
struct CubeCounts : Counts {
  CubeCounts(std::vector<Index>& all, std::mutex& lock)
      : Counts(all, lock), spare(all.size()), tree(prefix_bytes(all.size())) {}

  // y, z: the rows in the order of either column. Puts each half in order.
  void count(Index* y, Index* z, Index low, Index high, const Run& run) {
    if (high - low <= tile_size)
      return LAMOO_DISPATCH(count_leaf)(y, z, low, high, counts.data());
    run.check();
    across(y, z, low, high);
    const Index middle = low + (high - low) / 2;
    split(y, high - low, middle);
    split(z, high - low, middle);
    count(y, z, low, middle, run);
    count(y + (middle - low), z + (middle - low), middle, high, run);
  }

  void across(const Index* y, const Index* z, Index low, Index high) {
    LAMOO_DISPATCH(count_across)(y, z, low, low + (high - low) / 2, high, tree.data(), spare.data(),
                                 counts.data());
  }

  // The rows below `middle` to the front, order kept otherwise.
  void split(Index* rows, Index n, Index middle) {
    Index lower = 0, upper = 0;
    for (Index i = 0; i < n; ++i) {
      const Index k = rows[i];
      rows[lower] = k;
      spare[upper] = k;
      lower += k < middle;
      upper += k >= middle;
    }
    std::copy_n(spare.begin(), upper, rows + lower);
  }

  std::vector<Index> spare;
  std::vector<unsigned char> tree;
};

// A node of the recursion with rows of its own, for the threads to share out.
struct Node {
  std::vector<Index> y, z;
  Index low, high;
  bool inner;  // its halves are nodes too

  Index middle() const { return low + (high - low) / 2; }
  Node half(Index from, Index to) const {
    return {rows_from(y, from, to), rows_from(z, from, to), from, to, false};
  }

 private:
  // The rows from .. to-1, order kept. Without branches, which nothing could predict.
  static std::vector<Index> rows_from(const std::vector<Index>& rows, Index from, Index to) {
    std::vector<Index> inside(to - from + 1);  // one more, where others are written in vain
    std::size_t count = 0;
    for (const Index k : rows) {
      inside[count] = k;
      count += k - from < to - from;
    }
    inside.pop_back();
    return inside;
  }
};

void count_cube(const Columns& columns, const Run& run, std::vector<Index>& counts) {
  constexpr std::size_t few = 20000, inner = 7;
  const std::size_t n = columns.n();
  const int threads = n < few ? 1 : run.n_threads();
  std::vector<Node> nodes(1);
  nodes[0] = {{columns.order(0), columns.order(0) + n},
              {columns.order(1), columns.order(1) + n},
              0,
              static_cast<Index>(n),
              false};
  for (std::size_t i = 0; threads > 1 && i < inner; ++i) {
    const Index middle = nodes[i].middle();
    nodes[i].inner = true;
    Node lower = nodes[i].half(nodes[i].low, middle), upper = nodes[i].half(middle, nodes[i].high);
    nodes.push_back(std::move(lower));
    nodes.push_back(std::move(upper));
  }
  std::mutex mutex;
  parallel_for(nodes.size(), threads, run, [&] {
    return [&, own = std::make_unique<CubeCounts>(counts, mutex)](std::size_t i) {
      Node& node = nodes[i];
      if (node.inner)
        own->across(node.y.data(), node.z.data(), node.low, node.high);
      else
        own->count(node.y.data(), node.z.data(), node.low, node.high, run);
    };
  });
}

// ---- more objectives: each row against each tile before it ----

void count_tiles(const Columns& columns, const Run& run, std::vector<Index>& counts) {
  struct TileCounts : Counts {
    TileCounts(std::vector<Index>& all, std::mutex& lock, const Columns& columns)
        : Counts(all, lock), tile(columns), smaller(chunk_size * columns.count()) {}
    Tile tile;
    Smaller smaller;
  };
  constexpr std::size_t few = 4 * tile_size;
  const std::size_t n = columns.n();
  std::mutex mutex;
  parallel_for((n + tile_size - 1) / tile_size, n < few ? 1 : run.n_threads(), run, [&] {
    return [&, own = std::make_unique<TileCounts>(counts, mutex, columns)](std::size_t i) {
      const std::size_t first = i * tile_size;
      count_in_tile(own->tile, first, std::min(n, first + tile_size), run, own->smaller,
                    own->counts.data());
    };
  });
}

}  // namespace

void dominance_count(const double* F, std::size_t n, std::size_t m, const Run& run,
                     std::int64_t* out) {
  if (n <= few_rows) {
    std::uint32_t dominators[few_rows];
    find_dominators(F, n, m, false, dominators);
    for (std::size_t i = 0; i < n; ++i) out[i] = __builtin_popcount(dominators[i]);
    return;
  }
  const LexicographicOrder order(F, n, m, run);
  std::vector<Index> counts(n, 0);
  if (m == 1) {
    for (std::size_t k = 0; k < n; ++k) counts[k] = static_cast<Index>(k);
  } else {
    const Columns columns(F, order.row, m, 1, run);
    if (m == 2) {
      std::vector<unsigned char> tree(prefix_bytes(n));
      LAMOO_DISPATCH(count_plane)(columns.place(0), n, tree.data(), counts.data());
    } else if (m == 3) {
      count_cube(columns, run, counts);
    } else {
      count_tiles(columns, run, counts);
    }
  }
  for (std::size_t k = 0; k < n; ++k)
    out[order.row[k]] = std::int64_t{counts[k]} - static_cast<std::int64_t>(k - order.equal[k]);
}

}  // namespace lamoo
