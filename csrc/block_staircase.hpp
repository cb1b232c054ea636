// The front of points in two objectives.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace lamoo {

// Steps of a staircase: y strictly up, z strictly down. In blocks, so that inserting moves few:
// O(log n + block) a step.
class BlockStaircase {
 public:
  struct Step {
    double y, z;
  };

  // Does a step have both numbers <= (y, z)? If not, (y, z) becomes a step, in place of those that
  // it is <=.
  bool insert_unless_covered(double y, double z) {
    if (blocks_.empty()) {
      add_block(0, {{y, z}});
      return true;
    }
    // The last block that begins at or before y, and in it the first step after y.
    const auto after = std::upper_bound(starts_.begin(), starts_.end(), y);
    const std::size_t b = static_cast<std::size_t>(std::max(after - starts_.begin(), Offset{1}) - 1);
    std::vector<Step>& block = blocks_[b];
    auto step = std::upper_bound(block.begin(), block.end(), y,
                                 [](double x, const Step& s) { return x < s.y; });
    if (step != block.begin()) {
      if (step[-1].z <= z) return false;
      if (step[-1].y == y) --step;
    }
    auto end = step;
    while (end != block.end() && end->z >= z) ++end;
    if (end == block.end()) remove_covered_after(b, z);
    if (end == step) {
      const auto at = step - blocks_[b].begin();
      blocks_[b].insert(step, {y, z});
      step = blocks_[b].begin() + at;
    } else {
      *step = {y, z};
      blocks_[b].erase(step + 1, end);
    }
    starts_[b] = blocks_[b].front().y;
    if (blocks_[b].size() > most) split(b);
    return true;
  }

 private:
  using Offset = std::ptrdiff_t;
  static constexpr std::size_t most = 256;  // steps of a block

  void add_block(std::size_t b, std::vector<Step> steps) {
    starts_.insert(starts_.begin() + static_cast<Offset>(b), steps.front().y);
    blocks_.insert(blocks_.begin() + static_cast<Offset>(b), std::move(steps));
  }

  void remove_covered_after(std::size_t b, double z) {
    std::size_t end = b + 1;
    while (end < blocks_.size() && blocks_[end].back().z >= z) ++end;
    starts_.erase(starts_.begin() + static_cast<Offset>(b + 1), starts_.begin() + static_cast<Offset>(end));
    blocks_.erase(blocks_.begin() + static_cast<Offset>(b + 1), blocks_.begin() + static_cast<Offset>(end));
    if (b + 1 == blocks_.size()) return;
    std::vector<Step>& block = blocks_[b + 1];
    auto left = block.begin();
    while (left->z >= z) ++left;  // the last one is not
    block.erase(block.begin(), left);
    starts_[b + 1] = block.front().y;
  }

  void split(std::size_t b) {
    std::vector<Step>& block = blocks_[b];
    const auto half = block.begin() + static_cast<Offset>(block.size() / 2);
    std::vector<Step> upper(half, block.end());
    block.erase(half, block.end());
    add_block(b + 1, std::move(upper));
  }

  std::vector<double> starts_;  // y of the first step of each block
  std::vector<std::vector<Step>> blocks_;
};

}  // namespace lamoo
