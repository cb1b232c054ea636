// What points leave uncovered of a box in three objectives: for few points, with strips of the box
// in lanes. To be included inside of the namespace LAMOO_LEVEL, after lanes_kernel.hpp.

class Box3 {
 public:
  Box3() {
    for (std::size_t i = 0; i < 2 * w; ++i) after_[i] = i > w ? 1.0 : 0.0;
  }

  // The box is [lo, hi), lo < hi.
  void start(const double* lo, const double* hi) {
    std::copy_n(lo, 3, lo_);
    std::copy_n(hi, 3, hi_);
    size_ = 0;
  }

  // Points are below hi in every objective, and come in ascending order of x.
  void add(double x, double y, double z) {
    if (size_ == room_) grow();
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
    if (size_ <= 4 * w) return in_registers<4>();
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
    for (std::size_t i = size_; i < most; ++i) {
      x_[i] = hi_[0];
      y_[i] = hi_[1];
      z_[i] = hi_[2];
    }
    x_[most] = hi_[0];
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

  // lo, the points in ascending order, and hi. From the one returned, levels are above lo.
  template <std::size_t registers>
  std::size_t sort_levels(double* level) const {
    const Lanes one = Lanes::all(1.0), zero = Lanes::all(0.0);
    Lanes z[registers], below[registers];  // how many come before each
    for (std::size_t r = 0; r < registers; ++r) {
      z[r] = Lanes::load(&z_[r * w]);
      below[r] = zero;
    }
    for (std::size_t j = 0; j < size_; ++j) {
      const Lanes other = Lanes::all(z_[j]);
      for (std::size_t r = 0; r < registers; ++r) {
        const Lanes if_equal = j < r * w ? one : j < r * w + w ? Lanes::load(after_ + w + r * w - j) : zero;
        below[r] = below[r] + select(other < z[r], one, select(other <= z[r], if_equal, zero));
      }
    }
    level[0] = lo_[2];
    for (std::size_t r = 0; r < registers; ++r) {
      double position[w];
      below[r].store(position);
      for (std::size_t i = r * w; i < std::min(r * w + w, size_); ++i)
        level[1 + static_cast<std::size_t>(position[i - r * w])] = z_[i];
    }
    level[1 + size_] = hi_[2];
    std::size_t first = 0;
    while (level[first + 1] == lo_[2]) ++first;
    return first;
  }

  double lo_[3], hi_[3];
  double after_[2 * w];  // from w - j on: 1 in the lanes after lane j
  std::size_t size_ = 0, room_ = 0;
  std::vector<double> x_, y_, z_;  // with room for all registers
  Scratch3 scratch_;
};
