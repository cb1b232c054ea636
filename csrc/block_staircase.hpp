// The front of points in two objectives, which grows point by point.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

namespace lamoo {

// Steps of a staircase: y strictly up, z strictly down. In blocks, so that inserting moves few:
// O(log n + most) a step.
class BlockStaircase {
 public:
  struct Step {
    double y, z;
  };

  std::size_t size() const { return size_; }

  // After this, n points can be inserted without a throw.
  void reserve(std::size_t n) {
    // Each block may be full. One that was split has to take `most / 2` steps before it is again.
    const std::size_t new_blocks = std::min(n, blocks_.size() + n / (most / 2)) + 1;
    grow(starts_, starts_.size() + new_blocks);
    grow(blocks_, blocks_.size() + new_blocks);
    spare_.reserve(new_blocks);
    while (spare_.size() < new_blocks) spare_.push_back(new_block());
  }

  // False if a step has both numbers <= (y, z). If not, (y, z) becomes a step, in place of those
  // that it is <=, and gained(from, to, above) is called for each stretch from <= y < to that it
  // lowers from z = above, infinite where there was no step. No gain is empty but for from == to.
  template <class Gained>
  bool insert(double y, double z, Gained gained) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    if (blocks_.empty()) {
      insert_block(0)->push_back({y, z});
      starts_[0] = y;
      size_ = 1;
      gained(y, infinity, infinity);
      return true;
    }
    // The last block that begins at or before y, and in it the first step after y.
    const auto start = std::upper_bound(starts_.begin(), starts_.end(), y);
    const std::size_t b = start == starts_.begin()
                              ? 0
                              : static_cast<std::size_t>(start - starts_.begin()) - 1;
    std::vector<Step>& block = blocks_[b];
    auto step = std::upper_bound(block.begin(), block.end(), y,
                                 [](double value, const Step& s) { return value < s.y; });
    if (step != block.begin()) {
      if (step[-1].z <= z) return false;
      if (step[-1].y == y) --step;
    }

    double from = y, above = infinity;
    if (step != block.begin())
      above = step[-1].z;
    else if (b > 0)
      above = blocks_[b - 1].back().z;
    const auto lower = [&](const Step& old) {
      gained(from, old.y, above);
      from = old.y;
      above = old.z;
      --size_;
    };
    auto end = step;
    for (; end != block.end() && end->z >= z; ++end) lower(*end);
    if (end == block.end()) {
      remove_after(b, z, lower);
      gained(from, b + 1 < blocks_.size() ? starts_[b + 1] : infinity, above);
    } else {
      gained(from, end->y, above);
    }

    if (end == step) {
      block.insert(step, {y, z});
    } else {
      *step = {y, z};
      block.erase(step + 1, end);
    }
    ++size_;
    starts_[b] = block.front().y;
    if (block.size() > most) split(b);
    return true;
  }

  template <class Visit>
  void for_each(Visit visit) const {
    for (const std::vector<Step>& block : blocks_)
      for (const Step& step : block) visit(step);
  }

 private:
  static constexpr std::size_t most = 256;  // steps of a block

  static std::vector<Step> new_block() {
    std::vector<Step> block;
    block.reserve(most + 1);
    return block;
  }

  template <class T>
  static void grow(std::vector<T>& list, std::size_t needed) {
    if (needed > list.capacity()) list.reserve(std::max(needed, 2 * list.capacity()));
  }

  template <class T>
  static auto at(std::vector<T>& list, std::size_t i) {
    return list.begin() + static_cast<std::ptrdiff_t>(i);
  }

  std::vector<Step>* insert_block(std::size_t b) {
    std::vector<Step> block;
    if (spare_.empty()) {
      block = new_block();
    } else {
      block = std::move(spare_.back());
      spare_.pop_back();
    }
    starts_.insert(at(starts_, b), 0.0);
    return &*blocks_.insert(at(blocks_, b), std::move(block));
  }

  // The steps in the blocks after b that are >= z.
  template <class Lower>
  void remove_after(std::size_t b, double z, Lower lower) {
    std::size_t end = b + 1;
    for (; end < blocks_.size() && blocks_[end].back().z >= z; ++end)
      for (const Step& step : blocks_[end]) lower(step);
    starts_.erase(at(starts_, b + 1), at(starts_, end));
    blocks_.erase(at(blocks_, b + 1), at(blocks_, end));
    if (b + 1 == blocks_.size()) return;
    std::vector<Step>& block = blocks_[b + 1];
    auto left = block.begin();
    for (; left->z >= z; ++left) lower(*left);  // the last one is not
    block.erase(block.begin(), left);
    starts_[b + 1] = block.front().y;
  }

  void split(std::size_t b) {
    std::vector<Step>* upper = insert_block(b + 1);
    std::vector<Step>& block = blocks_[b];
    const auto half = at(block, block.size() / 2);
    upper->assign(half, block.end());
    block.erase(half, block.end());
    starts_[b + 1] = upper->front().y;
  }

  std::size_t size_ = 0;
  std::vector<double> starts_;  // y of the first step of each block
  std::vector<std::vector<Step>> blocks_, spare_;
};

}  // namespace lamoo
