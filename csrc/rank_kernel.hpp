#include "prefix_kernel.hpp"

namespace lamoo {
namespace LAMOO_LEVEL {

// Raises the ranks of the rows middle .. above those of the rows .. middle-1 before them in y and z.
void rank_across(const Index* y_order, const Index* z_order, Index low, Index middle, Index high,
                 void* memory, Index* z_place, Index* ranks) {
  Prefixes<Index, Maximum> seen(high - low, memory);
  for (Index i = 0; i < high - low; ++i) z_place[z_order[i] - low] = i;
  for (Index i = 0; i < high - low; ++i) {
    const Index k = y_order[i];
    if (k < middle)
      seen.add(z_place[k - low], ranks[k] + 1);
    else
      ranks[k] = std::max(ranks[k], seen.below(z_place[k - low]));
  }
}

void rank_leaf(const Index* y_order, const Index* z_order, Index low, Index high, Index* ranks) {
  Index y_place[rank_leaf_size] = {}, z_place[rank_leaf_size] = {}, rank[rank_leaf_size] = {};
  for (Index i = 0; i < high - low; ++i) {
    y_place[y_order[i] - low] = i;
    z_place[z_order[i] - low] = i;
    rank[i] = ranks[low + i];
  }
  for (Index k = 0; k < high - low; ++k) {
    const Index y = y_place[k], z = z_place[k], above = rank[k] + 1;
    for (std::size_t l = 0; l < rank_leaf_size; ++l) {
      const bool after = (l > k) & (y_place[l] > y) & (z_place[l] > z);
      rank[l] = std::max(rank[l], after ? above : 0);
    }
  }
  for (Index i = 0; i < high - low; ++i) ranks[low + i] = rank[i];
}

}  // namespace LAMOO_LEVEL
}  // namespace lamoo
