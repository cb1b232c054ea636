// The front of all points ever added, and its hypervolume.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "rows.hpp"

namespace lamoo {

class Archive {
 public:
  Archive(std::size_t m, const double* ref);

  // Rows of F (n, m) one after the other; accepted[i] = 1 when row i was neither dominated by nor
  // equal to a member at its turn. If this throws, the archive is as before.
  // A row costs O(log k) comparisons at k members for m <= 2, O(k m) above.
  void add(const double* F, std::size_t n, std::uint8_t* accepted);

  std::size_t size() const { return m_ <= 2 ? sorted_.size() / m_ : blocks_.size(); }

  // Members in lexicographic order. out (size, m)
  void front(double* out) const;

  // Computed when first asked for after a change.
  double hypervolume();

 private:
  bool add_sorted(const double* x);
  bool add_scanned(const double* x);

  std::size_t m_;
  std::vector<double> ref_;
  std::vector<double> sorted_;  // members for m <= 2: first objective up, second down
  RowBlocks<double> blocks_;    // members for m >= 3
  std::optional<double> hypervolume_;
};

}  // namespace lamoo
