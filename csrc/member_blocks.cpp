#include "member_blocks.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>

#define LAMOO_KERNEL_FILE "member_kernel.hpp"
#include "foreach_level.hpp"

namespace lamoo {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

void grow(std::vector<double>& list, std::size_t needed) {
  if (needed > list.capacity()) list.reserve(std::max(needed, 2 * list.capacity()));
}

}  // namespace

MemberBlocks::MemberBlocks(std::size_t m)
    : m_(m), low_(m, infinity), high_(m, -infinity), scale_(m, 0.0) {}

void MemberBlocks::reserve(std::size_t n) {
  // Each block may be full. One that was split has to take `most / 2` rows before it is again.
  const std::size_t blocks =
      counts_.size() + std::min(n, counts_.size() + n / (most / 2)) + 1;
  grow(rows_, blocks * m_ * most);
  grow(lower_, (blocks + lanes) * m_);
  grow(upper_, (blocks + lanes) * m_);
  if (blocks > counts_.capacity()) counts_.reserve(std::max(blocks, 2 * counts_.capacity()));
}

bool MemberBlocks::covers(const double* x) {
  if (last_ < counts_.size() && LAMOO_DISPATCH(covers_block)(block(last_), x, m_)) return true;
  const std::size_t found = LAMOO_DISPATCH(covering_block)(lower_.data(), rows_.data(),
                                                           counts_.size(), x, m_);
  if (found == counts_.size()) return false;
  last_ = found;
  return true;
}

bool MemberBlocks::insert(const double* x) {
  if (covers(x)) return false;
  remove_covered_by(x);
  add(x);
  return true;
}

void MemberBlocks::remove_covered_by(const double* x) {
  // From the back: a block that takes the place of an empty one has been looked at before.
  for (std::size_t group = (counts_.size() + lanes - 1) / lanes; group-- > 0;) {
    unsigned hit = LAMOO_DISPATCH(reached)(upper_.data() + group * lanes * m_, x, m_);
    while (hit != 0) {
      const unsigned lane = 31 - static_cast<unsigned>(__builtin_clz(hit));
      hit ^= 1u << lane;
      const std::size_t b = group * lanes + lane;
      std::uint32_t covered = LAMOO_DISPATCH(covered_in_block)(block(b), x, m_);
      if (covered == 0) continue;
      for (; covered != 0;) {  // from the back as well
        const std::size_t i = 31 - static_cast<unsigned>(__builtin_clz(covered));
        covered ^= std::uint32_t{1} << i;
        const std::size_t last = --counts_[b];
        for (std::size_t j = 0; j < m_; ++j) {
          at(b, i, j) = at(b, last, j);
          at(b, last, j) = nothing;
        }
        --size_;
      }
      if (counts_[b] == 0)
        remove_block(b);
      else
        set_bounds(b);
    }
  }
}

void MemberBlocks::add(const double* x) {
  for (std::size_t j = 0; j < m_; ++j) {
    if (!(x[j] < low_[j] || x[j] > high_[j])) continue;
    low_[j] = std::min(low_[j], x[j]);
    high_[j] = std::max(high_[j], x[j]);
    const double span = high_[j] - low_[j];
    scale_[j] = span > 0.0 ? 1.0 / span : 0.0;
  }
  std::size_t b = 0;
  if (counts_.empty())
    b = new_block();
  else
    b = LAMOO_DISPATCH(nearest_block)(lower_.data(), upper_.data(), counts_.size(), x,
                                      scale_.data(), m_);
  if (counts_[b] == most) {
    const std::size_t j = split(b);
    if (x[j] >= bound(lower_, counts_.size() - 1, j)) b = counts_.size() - 1;
  }
  const std::size_t i = counts_[b]++;
  for (std::size_t j = 0; j < m_; ++j) {
    at(b, i, j) = x[j];
    // Negated: true for the NaN of a block without rows.
    if (!(bound(lower_, b, j) <= x[j])) bound(lower_, b, j) = x[j];
    if (!(bound(upper_, b, j) >= x[j])) bound(upper_, b, j) = x[j];
  }
  ++size_;
}

std::size_t MemberBlocks::new_block() {
  if (counts_.size() % lanes == 0) {
    lower_.resize(lower_.size() + lanes * m_, nothing);
    upper_.resize(upper_.size() + lanes * m_, nothing);
  }
  rows_.resize(rows_.size() + most * m_, nothing);
  counts_.push_back(0);
  return counts_.size() - 1;
}

void MemberBlocks::remove_block(std::size_t b) {
  const std::size_t last = counts_.size() - 1;
  std::copy_n(block(last), most * m_, rows_.begin() + (block(b) - rows_.data()));
  counts_[b] = counts_[last];
  for (std::size_t j = 0; j < m_; ++j)
    for (std::vector<double>* bounds : {&lower_, &upper_}) {
      bound(*bounds, b, j) = bound(*bounds, last, j);
      bound(*bounds, last, j) = nothing;
    }
  counts_.pop_back();
  rows_.resize(rows_.size() - most * m_);
  if (counts_.size() % lanes == 0) {
    lower_.resize(lower_.size() - lanes * m_);
    upper_.resize(upper_.size() - lanes * m_);
  }
}

void MemberBlocks::set_bounds(std::size_t b) {
  for (std::size_t j = 0; j < m_; ++j) {
    const double* column = block(b) + j * most;
    const auto [least, greatest] = std::minmax_element(column, column + counts_[b]);
    bound(lower_, b, j) = *least;
    bound(upper_, b, j) = *greatest;
  }
}

// The upper half of block b, in the objective in which it is widest, becomes the last block.
std::size_t MemberBlocks::split(std::size_t b) {
  std::size_t widest = 0;
  double width = -1.0;
  for (std::size_t j = 0; j < m_; ++j) {
    const double w = (bound(upper_, b, j) - bound(lower_, b, j)) * scale_[j];
    if (w > width) {
      width = w;
      widest = j;
    }
  }
  const std::size_t other = new_block();
  std::size_t order[most];
  std::iota(order, order + most, std::size_t{0});
  const double* column = block(b) + widest * most;
  std::sort(order, order + most, [=](std::size_t i, std::size_t k) {
    return column[i] < column[k] || (column[i] == column[k] && i < k);
  });
  for (std::size_t j = 0; j < m_; ++j) {
    double sorted[most];
    for (std::size_t i = 0; i < most; ++i) sorted[i] = at(b, order[i], j);
    for (std::size_t i = 0; i < most; ++i) {
      at(b, i, j) = i < most / 2 ? sorted[i] : nothing;
      if (i >= most / 2) at(other, i - most / 2, j) = sorted[i];
    }
  }
  counts_[b] = counts_[other] = most / 2;
  set_bounds(b);
  set_bounds(other);
  return widest;
}

void MemberBlocks::copy(double* out) const {
  for (std::size_t b = 0; b < counts_.size(); ++b)
    for (std::size_t i = 0; i < counts_[b]; ++i)
      for (std::size_t j = 0; j < m_; ++j) *out++ = rows_[(b * m_ + j) * most + i];
}

}  // namespace lamoo
