// Random bits as a function of (seed, counter): no state to share, save or advance.
#pragma once

#include <cstdint>

namespace lamoo {

// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014): a bijection that mixes all bits.
inline std::uint64_t mix64(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

// 64 random bits, the counter-th output of the stream of seed. The seed is mixed first, so that
// the streams of neighbouring seeds do not overlap.
inline std::uint64_t random_bits(std::uint64_t seed, std::uint64_t counter) {
  return mix64(mix64(seed) + (counter + 1) * 0x9E3779B97F4A7C15u);
}

}  // namespace lamoo
