// Sets of up to 64 numbers as the bits of a word.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lamoo {

constexpr std::size_t word_bits = 64;

inline std::uint64_t bit(std::size_t p) { return std::uint64_t{1} << p; }

inline std::uint64_t low_bits(std::size_t count) {
  return count >= word_bits ? ~std::uint64_t{0} : bit(count) - 1;
}

// Index of the lowest set bit; word is not 0.
inline unsigned lowest_bit(std::uint64_t word) {
#if defined(__GNUC__) || defined(__clang__)
  return static_cast<unsigned>(__builtin_ctzll(word));
#else
  // Isolated bit times a de Bruijn sequence: the top six bits name the position.
  static constexpr unsigned char position[64] = {
      0,  1,  48, 2,  57, 49, 28, 3,  61, 58, 50, 42, 38, 29, 17, 4,  62, 55, 59, 36, 53, 51,
      43, 22, 45, 39, 33, 30, 24, 18, 12, 5,  63, 47, 56, 27, 60, 41, 37, 16, 54, 35, 52, 21,
      44, 32, 23, 11, 46, 26, 40, 15, 34, 20, 31, 10, 25, 14, 19, 9,  13, 8,  7,  6};
  return position[((word & (~word + 1)) * 0x03F79D71B4CB0A89u) >> 58];
#endif
}

// Index of the highest set bit; word is not 0.
inline unsigned highest_bit(std::uint64_t word) {
#if defined(__GNUC__) || defined(__clang__)
  return 63u - static_cast<unsigned>(__builtin_clzll(word));
#else
  for (unsigned shift = 1; shift < 64; shift *= 2) word |= word >> shift;
  return lowest_bit(word ^ (word >> 1));
#endif
}

inline std::size_t count_bits(std::uint64_t set) {
#if defined(__GNUC__) || defined(__clang__)
  return static_cast<std::size_t>(__builtin_popcountll(set));
#else
  // Bits in pairs, in nibbles, in bytes, then all bytes added up in the top one.
  set -= set >> 1 & 0x5555555555555555u;
  set = (set & 0x3333333333333333u) + (set >> 2 & 0x3333333333333333u);
  set = (set + (set >> 4)) & 0x0F0F0F0F0F0F0F0Fu;
  return static_cast<std::size_t>(set * 0x0101010101010101u >> 56);
#endif
}

}  // namespace lamoo
