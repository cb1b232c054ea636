// Included by the kernel files that sum over the numbers below a given one.
namespace lamoo {
namespace LAMOO_LEVEL {

struct Sum {
  template <class T>
  static T of(T a, T b) { return static_cast<T>(a + b); }
};
struct Maximum {
  template <class T>
  static T of(T a, T b) { return a < b ? b : a; }
};

// The sum or maximum of the values at places below a given one, for places 0 .. n-1. A tree with
// `fan` children a node, which keeps for each child what is at the children before it. Adding changes
// a register or two a level, asking reads one number a level.
template <class T, class Combine>
class Prefixes {
 public:
  // memory: prefix_bytes(n)
  Prefixes(std::size_t n, void* memory) {
    T* level = static_cast<T*>(memory);
    for (std::size_t nodes = n; nodes > 1 || n_levels_ == 0;) {
      nodes = (nodes + fan - 1) / fan;
      levels_[n_levels_++] = level;
      std::fill_n(level, nodes * fan, T{0});
      level += nodes * fan;
    }
  }

  void add(std::size_t place, T value) {
    for (std::size_t l = 0; l < n_levels_; ++l, place /= fan) {
      const T* after = after_.lane + (fan - 1 - place % fan);
      T* node = levels_[l] + place / fan * fan;
      for (std::size_t k = 0; k < fan; ++k)
        node[k] = Combine::of(node[k], static_cast<T>(after[k] & value));
    }
  }

  T below(std::size_t place) const {
    T value = levels_[0][place];
    for (std::size_t l = 1; l < n_levels_; ++l)
      value = Combine::of(value, levels_[l][place /= fan]);
    return value;
  }

 private:
  static constexpr std::size_t fan = 64 / sizeof(T);
  struct After {  // all bits in the upper half
    T lane[2 * fan] = {};
    constexpr After() {
      for (std::size_t k = fan; k < 2 * fan; ++k) lane[k] = static_cast<T>(-1);
    }
  };
  static constexpr After after_{};

  T* levels_[16];
  std::size_t n_levels_ = 0;
};

}  // namespace LAMOO_LEVEL
}  // namespace lamoo
