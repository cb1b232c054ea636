// The front of all points ever added, and its hypervolume.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "block_staircase.hpp"
#include "member_blocks.hpp"
#include "run.hpp"

namespace lamoo {

class Archive {
 public:
  Archive(std::size_t m, const double* ref);

  // Rows of F (n, m) one after the other; accepted[i] = 1 when row i was neither dominated by nor
  // equal to a member at its turn. If this throws, the archive is as before; but if interrupted,
  // it holds the rows up to there.
  // A row costs about O(log k) at k members for m <= 2, O(k m / 32) above.
  void add(const double* F, std::size_t n, const Run& run, std::uint8_t* accepted);

  // Members whose entry in keep is 0 leave; in the order of front(). If this throws, the archive is
  // as before.
  void keep(const std::uint8_t* keep);

  void clear() { *this = Archive(m_, ref_.data()); }

  std::size_t size() const { return m_ <= 2 ? steps_.size() : blocks_.size(); }

  // Members in lexicographic order. out (size, m)
  void front(double* out) const;

  // Kept up to date for m <= 2. Above, computed when asked for after a change, but from the volume
  // before if that was asked for and few rows were added since.
  double hypervolume(const Run& run);

 private:
  // A sum of many non-negative numbers, rounded about once (Neumaier 1974).
  struct Sum {
    double value = 0.0, rest = 0.0;
    void add(double x);
    double total() const { return value + rest; }
  };

  bool best_covers(const double* x) const;
  bool add_step(const double* x);
  bool add_row(const double* x, bool with_volume, const Run& run);

  std::size_t m_;
  std::vector<double> ref_;
  BlockStaircase steps_;  // members for m <= 2
  MemberBlocks blocks_;   // members for m >= 3
  // Of all rows that were members the one with the largest box up to ref: it covers most of what is
  // dominated, and what a former member covers is covered still.
  std::vector<double> best_;
  double best_worth_ = 0.0;
  Sum volume_;
  bool volume_known_ = true;
  bool asked_ = false;       // for the volume, since the last change
  bool any_volume_ = false;  // for m = 2: a member is below ref
};

}  // namespace lamoo
