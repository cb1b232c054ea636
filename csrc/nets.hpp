// Scrambled digital nets in the order of a tree: low-discrepancy points whose neighbours in memory
// are neighbours in space, the same cell of space for all replicates.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace lamoo {

// Independently randomised Sobol' sequences (Sobol', 1967) in d dimensions: each replicate has its
// own linear matrix scrambling (Matousek, 1998), each replicate and stream its own digital shift.
// Any 2^k points from a multiple of 2^k on are a digital net; each point is uniform in the cube.
// Coordinates are fractions of 2^64. Dimensions beyond the table of direction numbers are random
// digital nets, about as good as random points.
class Nets {
 public:
  // For sequences of up to `length` points (longer ones go on with other shifts).
  Nets(std::size_t replicates, std::size_t d, std::uint64_t length, std::uint64_t seed);

  std::size_t replicates() const { return replicates_; }
  std::size_t dimensions() const { return d_; }

  // The 2^k points of a block are an origin plus the sums over GF(2) of k vectors. These are in
  // echelon form, leading bits first, all dimensions in turn, and the origin is zero in their
  // pivots: the bits of a point's index are bits of its coordinates, and the index walks through
  // the cells of a tree that halves the dimensions in turn, the same ones for all replicates.
  struct Block {
    std::size_t k;
    std::vector<std::uint64_t> vectors;  // [replicate][k][d]; the top bit of the index first
    std::vector<std::size_t> pivots;     // [replicate][k], as bit * d + dimension
    std::vector<std::uint64_t> offsets;  // [d][points of a cell], for an origin of zeros
  };
  // A cell has 2^min(k, cell_bits) points of each replicate. In the order of a cell 2^leaf_bits
  // points of each replicate come together: they are neighbours in space.
  static constexpr std::size_t cell_bits = 5, leaf_bits = 1;
  std::size_t points_of_cell(std::size_t k) const { return replicates_ << std::min(k, cell_bits); }
  std::size_t replicate_of(std::size_t k, std::size_t point) const {
    return (point >> std::min(k, leaf_bits)) % replicates_;
  }

  // To be made before it is used, and not while other threads use others.
  void make(std::size_t k);
  const Block& block(std::size_t k) const { return blocks_.at(k); }

  // The origins of the block from index `start` on, a multiple of 2^k. out (replicates, d)
  void origins(const Block& block, std::uint64_t stream, std::uint64_t start,
               std::uint64_t* out) const;

  // Coordinates of the points of a cell: coordinate j of point p is out[j * stride + p].
  // scratch is memory, between calls.
  void points(const Block& block, const std::uint64_t* origins, std::uint64_t cell,
              std::size_t stride, std::vector<std::uint64_t>& scratch, std::uint64_t* out) const;

 private:
  std::size_t replicates_, d_, bits_;
  std::uint64_t seed_;
  std::vector<std::uint64_t> columns_;  // [replicate][bit of the index][d]
  std::map<std::size_t, Block> blocks_;
};

}  // namespace lamoo
