#include "nets.hpp"

#include <algorithm>
#include <array>

#include "rng.hpp"

namespace lamoo {

using std::size_t;
using std::uint64_t;

namespace {

constexpr size_t word_bits = 64;
constexpr size_t most_bits = 40;  // of an index; from there on a sequence has another shift

// A primitive polynomial over GF(2), x^degree + ... + 1 with the coefficients between in `inner`,
// and the first `degree` direction numbers.
struct Direction {
  unsigned degree, inner;
  std::array<unsigned, 7> first;
};

// From the second dimension on (the first one is van der Corput's). The numbers were found by
// search: of random ones those with the best two- and three-dimensional projections.
constexpr Direction directions[] = {
    {1, 0, {1}},
    {2, 1, {1, 3}},
    {3, 1, {1, 1, 1}},
    {3, 2, {1, 1, 5}},
    {4, 1, {1, 3, 1, 3}},
    {4, 4, {1, 1, 1, 15}},
    {5, 2, {1, 3, 5, 11, 31}},
    {5, 4, {1, 1, 1, 13, 23}},
    {5, 7, {1, 3, 3, 5, 5}},
    {5, 11, {1, 3, 1, 9, 5}},
    {5, 13, {1, 3, 5, 15, 9}},
    {5, 14, {1, 3, 1, 3, 15}},
    {6, 1, {1, 1, 1, 1, 25, 59}},
    {6, 13, {1, 3, 5, 9, 5, 1}},
    {6, 16, {1, 3, 7, 13, 17, 25}},
    {6, 19, {1, 1, 5, 3, 3, 13}},
    {6, 22, {1, 1, 5, 7, 25, 43}},
    {6, 25, {1, 3, 5, 13, 5, 55}},
    {7, 1, {1, 1, 1, 7, 17, 43, 63}},
    {7, 4, {1, 1, 1, 11, 19, 33, 55}},
    {7, 7, {1, 1, 5, 3, 7, 37, 89}},
    {7, 8, {1, 3, 7, 13, 31, 41, 53}},
    {7, 14, {1, 3, 1, 5, 19, 45, 123}},
};
constexpr size_t table_dimensions = 1 + sizeof directions / sizeof *directions;

constexpr uint64_t leading(size_t bit) { return uint64_t{1} << (word_bits - 1 - bit); }

using Columns = std::array<uint64_t, most_bits>;

// The generator matrix of dimension j: column c is what bit c of the index adds.
Columns generator(size_t j) {
  Columns column{};
  for (size_t c = 0; c < most_bits; ++c) {
    const size_t degree = j == 0 ? most_bits : directions[j - 1].degree;
    if (c < degree) {
      column[c] = (j == 0 ? 1 : uint64_t{directions[j - 1].first[c]}) << (word_bits - 1 - c);
      continue;
    }
    column[c] = column[c - degree] ^ (column[c - degree] >> degree);
    for (size_t i = 1; i < degree; ++i)
      if ((directions[j - 1].inner >> (degree - 1 - i) & 1) != 0) column[c] ^= column[c - i];
  }
  return column;
}

}  // namespace

Nets::Nets(size_t replicates, size_t d, uint64_t length, uint64_t seed)
    : replicates_(replicates), d_(d), bits_(1), seed_(seed) {
  while (bits_ < most_bits && length >> bits_ != 0) ++bits_;
  columns_.resize(replicates * bits_ * d);
  for (size_t j = 0; j < d; ++j) {
    const bool in_table = j < table_dimensions;
    const Columns plain = in_table ? generator(j) : Columns{};
    for (size_t r = 0; r < replicates; ++r) {
      const uint64_t stream = random_bits(seed, r * d + j);
      // Column b of a random lower triangular matrix with ones on the diagonal.
      Columns lower;
      for (size_t b = 0; b < bits_; ++b) lower[b] = (random_bits(stream, b) | leading(0)) >> b;
      for (size_t c = 0; c < bits_; ++c) {
        uint64_t scrambled = in_table ? 0 : random_bits(stream, c);
        for (size_t b = 0; b <= c; ++b)
          if ((plain[c] & leading(b)) != 0) scrambled ^= lower[b];
        columns_[(r * bits_ + c) * d + j] = scrambled;
      }
    }
  }
}

void Nets::make(size_t k) {
  if (blocks_.count(k) != 0) return;
  Block made{k, std::vector<uint64_t>(replicates_ * k * d_), {}, {}};
  for (size_t r = 0; r < replicates_; ++r) {
    uint64_t* vectors = made.vectors.data() + r * k * d_;
    std::copy_n(columns_.data() + r * bits_ * d_, k * d_, vectors);
    size_t rank = 0;
    for (size_t at = 0; at < word_bits * d_ && rank < k; ++at) {
      const size_t j = at % d_;
      const uint64_t mask = leading(at / d_);
      size_t row = rank;
      while (row < k && (vectors[row * d_ + j] & mask) == 0) ++row;
      if (row == k) continue;
      if (row != rank)
        std::swap_ranges(vectors + row * d_, vectors + (row + 1) * d_, vectors + rank * d_);
      for (size_t other = 0; other < k; ++other)
        if (other != rank && (vectors[other * d_ + j] & mask) != 0)
          for (size_t i = 0; i < d_; ++i) vectors[other * d_ + i] ^= vectors[rank * d_ + i];
      made.pivots.push_back(at);
      ++rank;
    }
  }
  const size_t points = points_of_cell(k), leaf = std::min(k, leaf_bits);
  made.offsets.resize(d_ * points);
  for (size_t j = 0; j < d_; ++j)
    for (size_t p = 0; p < points; ++p) {
      const size_t r = replicate_of(k, p);
      const size_t index = (p >> leaf) / replicates_ << leaf | (p & ((size_t{1} << leaf) - 1));
      for (size_t low = 0; index >> low != 0; ++low)
        if ((index >> low & 1) != 0)
          made.offsets[j * points + p] ^= made.vectors[(r * k + k - 1 - low) * d_ + j];
    }
  blocks_.emplace(k, std::move(made));
}

void Nets::origins(const Block& block, uint64_t stream, uint64_t start, uint64_t* out) const {
  // Another stream of random shifts than that of the scrambling, and another one each 2^40 points.
  const uint64_t shifts = mix64(mix64(seed_ ^ mix64(stream)) + (start >> bits_));
  for (size_t r = 0; r < replicates_; ++r, out += d_) {
    for (size_t j = 0; j < d_; ++j) out[j] = random_bits(shifts, r * d_ + j);
    const uint64_t* columns = columns_.data() + r * bits_ * d_;
    for (size_t c = block.k; c < bits_; ++c)
      if ((start >> c & 1) != 0)
        for (size_t j = 0; j < d_; ++j) out[j] ^= columns[c * d_ + j];
    for (size_t i = 0; i < block.k; ++i) {
      const size_t at = block.pivots[r * block.k + i];
      if ((out[at % d_] & leading(at / d_)) == 0) continue;
      const uint64_t* vector = block.vectors.data() + (r * block.k + i) * d_;
      for (size_t j = 0; j < d_; ++j) out[j] ^= vector[j];
    }
  }
}

void Nets::points(const Block& block, const uint64_t* origins, uint64_t cell, size_t stride,
                  std::vector<uint64_t>& scratch, uint64_t* out) const {
  const size_t k = block.k, leaf = std::min(k, leaf_bits), period = replicates_ << leaf;
  const size_t points = points_of_cell(k);
  const uint64_t index = cell << std::min(k, cell_bits);
  // The first point of the cell of each replicate, once for each point of a leaf.
  scratch.resize(d_ * period + d_);
  uint64_t* first = scratch.data() + d_ * period;
  for (size_t r = 0; r < replicates_; ++r) {
    std::copy_n(origins + r * d_, d_, first);
    for (size_t i = 0; i < k; ++i)
      if ((index >> (k - 1 - i) & 1) != 0) {
        const uint64_t* vector = block.vectors.data() + (r * k + i) * d_;
        for (size_t j = 0; j < d_; ++j) first[j] ^= vector[j];
      }
    for (size_t j = 0; j < d_; ++j)
      std::fill_n(scratch.data() + j * period + (r << leaf), size_t{1} << leaf, first[j]);
  }
  for (size_t j = 0; j < d_; ++j) {
    const uint64_t* base = scratch.data() + j * period;
    for (size_t from = 0; from < points; from += period)
      for (size_t p = 0; p < period; ++p)
        out[j * stride + from + p] = block.offsets[j * points + from + p] ^ base[p];
  }
}

}  // namespace lamoo
