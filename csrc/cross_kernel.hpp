#include "bitset_kernel.hpp"

namespace lamoo {
namespace LAMOO_LEVEL {

// How many of the numbers added so far are below a given one, for numbers below n: a tree with
// `fan` children a node, which keeps how many numbers are in the children before each. Adding
// changes a register or two a level, asking reads one number a level.
template <class Count>
class PrefixCounts {
 public:
  // memory: see prefix_count_bytes
  PrefixCounts(std::size_t n, void* memory) {
    Count* level = static_cast<Count*>(memory);
    for (std::size_t nodes = n; nodes > 1 || n_levels_ == 0;) {
      nodes = (nodes + fan - 1) / fan;
      levels_[n_levels_++] = level;
      std::fill_n(level, nodes * fan, Count{0});
      level += nodes * fan;
    }
  }

  void add(std::size_t i) {
    for (std::size_t l = 0; l < n_levels_; ++l, i /= fan) {
      const Count* ones = after_ + (fan - 1 - i % fan);
      Count* node = levels_[l] + i / fan * fan;
      for (std::size_t k = 0; k < fan; ++k) node[k] = static_cast<Count>(node[k] + ones[k]);
    }
  }

  Index below(std::size_t i) const {
    Index count = 0;
    for (std::size_t l = 0; l < n_levels_; ++l, i /= fan) count += levels_[l][i];
    return count;
  }

 private:
  static constexpr std::size_t fan = 64 / sizeof(Count);
  struct After {
    Count lane[2 * fan] = {};
    constexpr After() {
      for (std::size_t k = fan; k < 2 * fan; ++k) lane[k] = 1;
    }
    constexpr const Count* operator+(std::size_t k) const { return lane + k; }
  };
  static constexpr After after_{};

  Count* levels_[16];
  std::size_t n_levels_ = 0;
};

template <class Count>
static void count_plane_as(const Index* place, std::size_t n, void* memory, Index* counts) {
  PrefixCounts<Count> seen(n, memory);
  for (std::size_t k = 0; k < n; ++k) {
    counts[k] = seen.below(place[k]);
    seen.add(place[k]);
  }
}

void count_plane(const Index* place, std::size_t n, void* memory, Index* counts) {
  if (n < 1u << 16)
    count_plane_as<std::uint16_t>(place, n, memory, counts);
  else
    count_plane_as<std::uint32_t>(place, n, memory, counts);
}

template <class Count>
static void count_across_as(const Index* y_order, const Index* z_order, Index low, Index middle,
                            Index high, void* memory, Index* z_place, Index* counts) {
  PrefixCounts<Count> seen(high - low, memory);
  for (Index i = 0; i < high - low; ++i) z_place[z_order[i] - low] = i;
  for (Index i = 0; i < high - low; ++i) {
    const Index k = y_order[i];
    if (k < middle)
      seen.add(z_place[k - low]);
    else
      counts[k] += seen.below(z_place[k - low]);
  }
}

void count_across(const Index* y_order, const Index* z_order, Index low, Index middle, Index high,
                  void* memory, Index* z_place, Index* counts) {
  if (high - low < 1u << 16)
    count_across_as<std::uint16_t>(y_order, z_order, low, middle, high, memory, z_place, counts);
  else
    count_across_as<std::uint32_t>(y_order, z_order, low, middle, high, memory, z_place, counts);
}

void count_leaf(const Index* y_order, const Index* z_order, Index low, Index high, Index* counts) {
  // Bits are places in the order of z.
  WordSet y_before[tile_size];
  std::uint16_t z_place[tile_size];
  for (Index i = 0; i < high - low; ++i) z_place[z_order[i] - low] = static_cast<std::uint16_t>(i);
  Bits seen = {};
  for (Index i = 0; i < high - low; ++i) {
    const Index k = y_order[i] - low;
    Bits before = seen;
    before.keep_below(z_place[k]);
    before.store(y_before[k]);
    seen.add(z_place[k]);
  }
  seen = {};
  for (Index k = 0; k < high - low; ++k) {
    Bits set = seen;
    set &= y_before[k];
    counts[low + k] += set.count();
    seen.add(z_place[k]);
  }
}

}  // namespace LAMOO_LEVEL
}  // namespace lamoo
