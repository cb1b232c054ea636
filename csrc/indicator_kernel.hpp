namespace lamoo {
namespace LAMOO_LEVEL {

// The least distance of r from the rows of F, columns of n numbers each, n a multiple of 16.
// distance(x, r, j) of one objective; join(a, b) of two objectives.
template <class Distance, class Join>
static inline double least_distance(const double* columns, std::size_t n, std::size_t m,
                                    const double* r, Distance distance, Join join) {
  constexpr std::size_t lanes = 16;
  double least[lanes];
  std::fill_n(least, lanes, std::numeric_limits<double>::infinity());
  for (std::size_t i = 0; i < n; i += lanes) {
    double d[lanes];
    for (std::size_t l = 0; l < lanes; ++l) d[l] = distance(columns[i + l], r[0]);
    for (std::size_t j = 1; j < m; ++j)
      for (std::size_t l = 0; l < lanes; ++l)
        d[l] = join(d[l], distance(columns[j * n + i + l], r[j]));
    for (std::size_t l = 0; l < lanes; ++l) least[l] = d[l] < least[l] ? d[l] : least[l];
  }
  return *std::min_element(least, least + lanes);
}

void distances_additive(const double* columns, std::size_t n, std::size_t m, const double* R,
                        std::size_t k, double* out) {
  for (std::size_t i = 0; i < k; ++i)
    out[i] = least_distance(
        columns, n, m, R + i * m, [](double x, double r) { return x - r; },
        [](double a, double b) { return a < b ? b : a; });
}

void distances_mult(const double* columns, std::size_t n, std::size_t m, const double* R,
                    std::size_t k, const std::uint8_t* inverse, double* out) {
  constexpr std::size_t lanes = 16;
  for (std::size_t i = 0; i < k; ++i) {
    double least[lanes];
    std::fill_n(least, lanes, std::numeric_limits<double>::infinity());
    for (std::size_t low = 0; low < n; low += lanes) {
      double d[lanes] = {};
      for (std::size_t j = 0; j < m; ++j) {
        const double* x = columns + j * n + low;
        const double r = R[i * m + j];
        double ratio[lanes];
        if (inverse != nullptr && inverse[j] != 0)
          for (std::size_t l = 0; l < lanes; ++l) ratio[l] = r / x[l];
        else
          for (std::size_t l = 0; l < lanes; ++l) ratio[l] = x[l] / r;
        for (std::size_t l = 0; l < lanes; ++l) d[l] = d[l] < ratio[l] ? ratio[l] : d[l];
      }
      for (std::size_t l = 0; l < lanes; ++l) least[l] = d[l] < least[l] ? d[l] : least[l];
    }
    out[i] = *std::min_element(least, least + lanes);
  }
}

void distances_plus(const double* columns, std::size_t n, std::size_t m, const double* R,
                    std::size_t k, double* out) {
  constexpr double least_safe = 1e-280, most_safe = 1e300;
  const auto shortfall = [](double x, double r) { return x > r ? x - r : 0.0; };
  const auto larger = [](double a, double b) { return a < b ? b : a; };
  for (std::size_t i = 0; i < k; ++i) {
    const double* r = R + i * m;
    const auto norm = [&](double unit) {
      const auto square = [=](double a, double b) {
        const double d = shortfall(a, b) * unit;
        return d * d;
      };
      return least_distance(columns, n, m, r, square, [](double a, double b) { return a + b; });
    };
    const double squares = norm(1.0);
    if (least_safe < squares && squares < most_safe) {
      out[i] = std::sqrt(squares);
      continue;
    }
    // No row may be short, or squares underflowed or overflowed: in a unit near the distance.
    out[i] = least_distance(columns, n, m, r, shortfall, larger);
    if (!(0.0 < out[i] && out[i] < std::numeric_limits<double>::infinity())) continue;
    const double unit = std::ldexp(1.0, std::min(-std::ilogb(out[i]), 1000));
    out[i] = std::sqrt(norm(unit)) / unit;
  }
}

}  // namespace LAMOO_LEVEL
}  // namespace lamoo
