// What points leave uncovered of a box in three objectives: for few points, with strips of the box
// in lanes. To be included inside of the namespace LAMOO_LEVEL, after lanes_kernel.hpp.

class Box3 {
 public:
  Box3() {
    for (std::size_t i = 0; i < w; ++i) number_[i] = static_cast<double>(i);
  }

  // The box is [lo, hi), lo < hi.
  void start(const double* lo, const double* hi) {
    std::copy_n(lo, 3, lo_);
    std::copy_n(hi, 3, hi_);
    size_ = 0;
  }

  // The points whose lanes are set. They are below hi in every objective, and come in ascending
  // order of x.
  void add(LaneMask set, Lanes x, Lanes y, Lanes z) {
    if (size_ >= room_) grow();
    store_packed(&x_[size_], max(x, Lanes::all(lo_[0])), set);
    store_packed(&y_[size_], max(y, Lanes::all(lo_[1])), set);
    store_packed(&z_[size_], max(z, Lanes::all(lo_[2])), set);
    size_ += count_bits(set.bits());
  }

  void add(double x, double y, double z) {
    if (size_ >= room_) grow();
    x_[size_] = std::max(x, lo_[0]);
    y_[size_] = std::max(y, lo_[1]);
    z_[size_] = std::max(z, lo_[2]);
    ++size_;
  }

  // Does not depend on the order of points with the same x.
  double uncovered() {
    if (size_ == 0) return (hi_[0] - lo_[0]) * (hi_[1] - lo_[1]) * (hi_[2] - lo_[2]);
    if (size_ <= w) return in_registers<1>();
    if (size_ <= 2 * w) return in_registers<2>();
    if (size_ <= 3 * w) return in_registers<3>();
    if (size_ <= 4 * w) return in_registers<4>();
    if (size_ <= 6 * w) return in_registers<6>();
    if (size_ <= 8 * w) return in_registers<8>();
    return uncovered3(x_.data(), y_.data(), z_.data(), size_, lo_, hi_, scratch_);
  }

 private:
  static constexpr std::size_t w = Lanes::count;

  void grow() {
    room_ = 2 * room_ + 8 * w;
    for (auto* values : {&x_, &y_, &z_}) values->resize(room_ + 8 * w);
  }

  // Between two levels in z, the points below them leave of each strip in x, from one point to the
  // next, what is under the lowest y so far. Strips in `registers` registers.
  template <std::size_t registers>
  double in_registers() {
    constexpr std::size_t most = registers * w;
    pad<registers>();
    double level[most + 2];
    std::size_t l = sort_levels<registers>(level);

    const Lanes top = Lanes::all(hi_[1]), bottom = Lanes::all(lo_[1]);
    Lanes side[registers];  // of each strip, its area in y and z
    for (Lanes& area : side) area = Lanes::all(0.0);
    for (; l <= size_; ++l) {
      const Lanes now = Lanes::all(level[l]), height = Lanes::all(level[l + 1] - level[l]);
      Lanes lowest = top;
      for (std::size_t r = 0; r < registers; ++r) {
        const Lanes y = select(Lanes::load(&z_[r * w]) <= now, Lanes::load(&y_[r * w]), top);
        const Lanes free = min(running_min(y), lowest);
        lowest = all_last(free);
        side[r] = side[r] + (free - bottom) * height;
      }
    }
    Lanes sum = Lanes::all(0.0);
    for (std::size_t r = 0; r < registers; ++r)
      sum = sum + side[r] * (Lanes::load(&x_[r * w + 1]) - Lanes::load(&x_[r * w]));
    double lane[w];
    sum.store(lane);
    double volume = (x_[0] - lo_[0]) * (hi_[1] - lo_[1]) * (hi_[2] - lo_[2]);
    for (const double part : lane) volume += part;
    return volume;
  }

  // hi behind the last point, to the end of the registers: a branch on the size would cost more.
  template <std::size_t registers>
  void pad() {
    for (std::size_t r = 0; r < registers; ++r) {
      const double from = static_cast<double>(size_) - static_cast<double>(r * w);
      const LaneMask keep = Lanes::load(&number_[0]) < Lanes::all(from);
      select(keep, Lanes::load(&x_[r * w]), Lanes::all(hi_[0])).store(&x_[r * w]);
      select(keep, Lanes::load(&y_[r * w]), Lanes::all(hi_[1])).store(&y_[r * w]);
      select(keep, Lanes::load(&z_[r * w]), Lanes::all(hi_[2])).store(&z_[r * w]);
    }
    x_[registers * w] = hi_[0];
  }

  // lo, the points in ascending order, and hi. From the one returned, levels are above lo.
  template <std::size_t registers>
  std::size_t sort_levels(double* level) const {
    const Lanes one = Lanes::all(1.0), zero = Lanes::all(0.0);
    Lanes z[registers], below[registers];  // how many come before each
    std::size_t at_lo = 0;
    for (std::size_t r = 0; r < registers; ++r) {
      z[r] = Lanes::load(&z_[r * w]);
      below[r] = zero;
      at_lo += count_bits((z[r] <= Lanes::all(lo_[2])).bits());
    }
    for (std::size_t q = 0; q < registers; ++q)
      for (std::size_t j = 0; j < w; ++j) {
        // Of equal ones, the earlier comes first.
        const Lanes other = Lanes::all(z_[q * w + j]);
        const LaneMask later = Lanes::all(static_cast<double>(j)) < Lanes::load(number_);
        for (std::size_t r = 0; r < registers; ++r) {
          const Lanes if_less = select(other < z[r], one, zero);
          const Lanes if_not_more = select(other <= z[r], one, zero);
          below[r] = below[r] + (r < q ? if_less : r > q ? if_not_more
                                                         : select(later, if_not_more, if_less));
        }
      }
    level[0] = lo_[2];
    for (std::size_t r = 0; r < registers; ++r) {
      double position[w];
      below[r].store(position);
      for (std::size_t i = 0; i < w; ++i)
        level[1 + static_cast<std::size_t>(position[i])] = z_[r * w + i];
    }
    level[1 + size_] = hi_[2];
    return at_lo;
  }

  double lo_[3], hi_[3];
  double number_[w];  // of the lanes
  std::size_t size_ = 0, room_ = 0;
  std::vector<double> x_, y_, z_;  // with room for all registers
  Scratch3 scratch_;
};
