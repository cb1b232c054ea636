#include "bitset_kernel.hpp"
#include "prefix_kernel.hpp"

namespace lamoo {
namespace LAMOO_LEVEL {

template <class Count>
static void count_plane_as(const Index* place, std::size_t n, void* memory, Index* counts) {
  Prefixes<Count, Sum> seen(n, memory);
  for (std::size_t k = 0; k < n; ++k) {
    counts[k] = seen.below(place[k]);
    seen.add(place[k], 1);
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
  Prefixes<Count, Sum> seen(high - low, memory);
  for (Index i = 0; i < high - low; ++i) z_place[z_order[i] - low] = i;
  for (Index i = 0; i < high - low; ++i) {
    const Index k = y_order[i];
    if (k < middle)
      seen.add(z_place[k - low], 1);
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
