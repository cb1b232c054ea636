// Doubles as integers of the same order.
#pragma once

#include <cstdint>
#include <cstring>

namespace lamoo {

// A number that sorts as x does. A total order even with NaN in it, which std::sort needs to stay
// inside its range; -0.0 and 0.0 share a key.
inline std::uint64_t order_key(double x) {
  const double y = x + 0.0;
  std::uint64_t bits;
  std::memcpy(&bits, &y, sizeof bits);
  constexpr std::uint64_t sign = std::uint64_t{1} << 63;
  return (bits & sign) != 0 ? ~bits : bits | sign;
}

}  // namespace lamoo
