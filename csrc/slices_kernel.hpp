// Cells in three to five objectives, slice by slice. (A part of volumes_kernel.hpp.)
//
// In all objectives but three, the coordinates of the points cut the cell into slices. What is open
// in a slice, in the three objectives left, the points below it decide: one of these objectives is
// cut into levels, which are the lanes of registers; along the second one goes a walk from point to
// point; and in the third one each level is open up to the lowest point met so far. All of it is
// sums of products of widths, with hardly a branch.

namespace lamoo {
namespace LAMOO_LEVEL {

// A cell in one objective, and how many of its points limit it there.
struct Axis {
  size_t objective, limits;
  double lo, hi;
};

class Slices {
 public:
  static constexpr size_t most_objectives = 5;

  // Whether volume() is less work than cuts, which grow less with the number of points. Arranges
  // the axes for it: few slices, then few registers.
  static bool suits(size_t k, Axis* axes, size_t d) {
    if (d < 3 || d > most_objectives || k > most_points) return false;
    for (size_t i = 1; i < d; ++i)
      for (size_t j = i; j > 0 && axes[j].limits < axes[j - 1].limits; --j)
        std::swap(axes[j], axes[j - 1]);
    size_t steps = k * (axes[d - 3].limits / 8 + 1);
    for (size_t i = 0; i + 3 < d; ++i) steps *= axes[i].limits + 1;
    return steps <= most_steps;
  }

  // What the points leave open. column(j) has the coordinates of points by number, numbers are below
  // size(), ascending(j, visit) calls visit(p) for the points that count in ascending order of
  // objective j.
  template <class Points>
  double volume(const Points& points, const Axis* axes, size_t d);

 private:
  // With AVX2 and AVX-512 alike it makes no difference whether these are 1500 or 3000.
  static constexpr size_t most_steps = 2000;
  static constexpr size_t most_points = word_bits, most_registers = most_points / 8 + 1;

  // Between two coordinates, and which points are below it. They go by their place in the walk.
  struct Slice {
    double width;
    uint64_t below;
  };

  template <size_t R>
  double add_up(const Axis& walk, size_t cuts, const double* widths);
  template <size_t R>
  void add_slices(const Axis& walk, size_t cuts, uint64_t below, double width, Eight* sums) const;

  Scratch<unsigned char> place_room_;
  unsigned char* place_ = nullptr;  // in the walk, by number
  size_t number_[most_points];        // by place, as all that follows
  double at_[most_points];
  double depth_[most_points];
  size_t level_[most_points];                       // the first one that the point is below
  double depths_[most_points * most_registers * 8];  // in each level, and the depth of all above it
  size_t size_ = 0;
  double most_depth_ = 0.0;
  Slice slices_[2][most_points + 1];
  size_t counts_[2];
};

template <class Points>
double Slices::volume(const Points& points, const Axis* axes, size_t d) {
  const size_t cuts = d - 3;
  const Axis &up = axes[cuts], &walk = axes[cuts + 1], &deep = axes[cuts + 2];
  place_ = place_room_.room_for(points.size());
  const double* x = points.column(walk.objective);
  size_t size = 0;
  points.ascending(walk.objective, [&](size_t p) {
    place_[p] = static_cast<unsigned char>(size);
    number_[size] = p;
    at_[size++] = std::max(x[p], walk.lo);
  });
  size_ = size;
  x = points.column(deep.objective);
  for (size_t i = 0; i < size; ++i) depth_[i] = std::max(x[number_[i]], deep.lo) - deep.lo;
  most_depth_ = deep.hi - deep.lo;

  double widths[most_registers * 8] = {}, from = up.lo;
  size_t levels = 0;
  x = points.column(up.objective);
  points.ascending(up.objective, [&](size_t p) {
    if (x[p] > from) {
      widths[levels++] = x[p] - from;
      from = x[p];
    }
    level_[place_[p]] = levels;
  });
  widths[levels++] = up.hi - from;

  for (size_t i = 0; i < cuts; ++i) {
    const Axis& cut = axes[i];
    Slice* slice = slices_[i];
    x = points.column(cut.objective);
    from = cut.lo;
    uint64_t below = 0;
    points.ascending(cut.objective, [&](size_t p) {
      if (x[p] > from) {
        *slice++ = {x[p] - from, below};
        from = x[p];
      }
      below |= bit(place_[p]);
    });
    *slice++ = {cut.hi - from, below};
    counts_[i] = static_cast<size_t>(slice - slices_[i]);
  }
  switch ((levels + 7) / 8) {
    case 1: return add_up<1>(walk, cuts, widths);
    case 2: return add_up<2>(walk, cuts, widths);
    case 3: return add_up<3>(walk, cuts, widths);
    case 4: return add_up<4>(walk, cuts, widths);
    default: return add_up<most_registers>(walk, cuts, widths);
  }
}

template <size_t R>
double Slices::add_up(const Axis& walk, size_t cuts, const double* widths) {
  // Of these numbers, as many of the first ones as there are levels that the point is not below.
  double steps[2 * R * 8] = {};
  std::fill_n(steps, R * 8, most_depth_);
  for (size_t i = 0; i < size_; ++i) {
    const double* step = steps + R * 8 - level_[i];
    for (size_t r = 0; r < R; ++r)
      store(depths_ + (i * R + r) * 8, at_least(step + r * 8, depth_[i]));
  }
  Eight sums[R];
  for (size_t r = 0; r < R; ++r) sums[r] = Eight{};
  add_slices<R>(walk, cuts, low_bits(size_), 1.0, sums);
  double lanes[R * 8], total = 0.0;
  for (size_t r = 0; r < R; ++r) store(lanes + r * 8, sums[r]);
  for (size_t i = 0; i < R * 8; ++i) total += widths[i] * lanes[i];
  return total;
}

// The slices in the first `cuts` axes, of a slice in the others that some points are below.
template <size_t R>
void Slices::add_slices(const Axis& walk, size_t cuts, uint64_t below, double width,
                        Eight* sums) const {
  if (cuts > 0) {
    const Slice* const slices = slices_[cuts - 1];
    const size_t count = counts_[cuts - 1];
    for (size_t i = 0; i < count;) {
      const uint64_t both = slices[i].below & below;
      double part = slices[i].width;
      while (++i < count && (slices[i].below & below) == both) part += slices[i].width;
      add_slices<R>(walk, cuts - 1, both, width * part, sums);
    }
    return;
  }
  Eight open[R], area[R];
  for (size_t r = 0; r < R; ++r) {
    open[r] = all_eight(most_depth_);
    area[r] = Eight{};
  }
  double from = walk.lo;
  for (; below != 0; below &= below - 1) {
    const unsigned i = lowest_bit(below);
    for (size_t r = 0; r < R; ++r) {
      area[r] = add_times(area[r], at_[i] - from, open[r]);
      open[r] = at_most(depths_ + (i * R + r) * 8, open[r]);
    }
    from = at_[i];
  }
  for (size_t r = 0; r < R; ++r)
    sums[r] = add_times(sums[r], width, add_times(area[r], walk.hi - from, open[r]));
}

}  // namespace LAMOO_LEVEL
}  // namespace lamoo
