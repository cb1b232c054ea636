#include "replicates.hpp"

#include <algorithm>

#include "parallel.hpp"

namespace lamoo {

using std::size_t;
using std::uint64_t;

namespace {

constexpr uint64_t cells_of_task = 8;
constexpr size_t tasks_at_once = 4096;  // bounds the memory of their results

}  // namespace

Replicates::Replicates(size_t streams, Nets nets, Evaluate evaluate)
    : nets_(std::move(nets)),
      evaluate_(std::move(evaluate)),
      counts_(streams * nets_.replicates()),
      sums_(streams * nets_.replicates()) {}

void Replicates::plan(size_t stream, uint64_t count, size_t r) {
  uint64_t* counts = counts_.data() + stream * size();
  uint64_t at = counts[r - 1];
  while (at < count) {
    // The largest aligned block from here on.
    size_t k = 0;
    while ((at >> k & 1) == 0 && uint64_t{2} << k <= count - at && k < 40) ++k;
    nets_.make(k);
    planned_.push_back({stream, r, k, at, 0, uint64_t{1} << (k - std::min(k, Nets::cell_bits))});
    at += uint64_t{1} << k;
  }
  std::fill(counts, counts + r, count);
}

void Replicates::take(const Run& run, int n_threads) {
  const size_t r = size();
  std::vector<Task> tasks;
  std::vector<double> results;
  size_t next = 0;
  while (next < planned_.size()) {
    for (tasks.clear(); next < planned_.size() && tasks.size() < tasks_at_once;) {
      Task& rest = planned_[next];
      tasks.push_back(rest);
      rest.cell = std::min(rest.end_cell, rest.cell + cells_of_task);
      tasks.back().end_cell = rest.cell;
      if (rest.cell == rest.end_cell) ++next;
    }
    results.assign(tasks.size() * r, 0.0);
    parallel_for(tasks.size(), n_threads, run, [&] {
      return [&, memory = Memory()](size_t i) mutable {
        run_task(tasks[i], memory, results.data() + i * r);
      };
    });
    for (size_t i = 0; i < tasks.size(); ++i)
      for (size_t j = 0; j < r; ++j) sums_[tasks[i].stream * r + j] += results[i * r + j];
  }
  planned_.clear();
}

void Replicates::run_task(const Task& task, Memory& memory, double* sums) const {
  const size_t d = nets_.dimensions(), k = task.k;
  const Nets::Block& block = nets_.block(k);
  const size_t points = nets_.points_of_cell(k);
  const size_t count = (points + directions_at_once - 1) / directions_at_once * directions_at_once;
  memory.bits.resize(d * count);
  memory.value.resize(count);
  memory.origins.resize(size() * d);
  nets_.origins(block, task.stream, task.start, memory.origins.data());
  for (uint64_t cell = task.cell; cell < task.end_cell; ++cell) {
    uint64_t* bits = memory.bits.data();
    nets_.points(block, memory.origins.data(), cell, count, memory.points, bits);
    for (size_t j = 0; j < d && points < count; ++j)
      for (size_t p = points; p < count; ++p) bits[j * count + p] = bits[j * count + p % points];
    evaluate_(task.stream, {bits, count}, memory.polar, memory.value.data());
    const size_t together = size_t{1} << std::min(k, Nets::leaf_bits);
    for (size_t p = 0; p < points;)
      for (size_t i = 0; i < size(); ++i)
        for (size_t t = 0; t < together; ++t, ++p)
          if (i < task.replicates) sums[i] += memory.value[p];
  }
}

}  // namespace lamoo
