#include "own_part.hpp"

#include <algorithm>
#include <cmath>

namespace lamoo {

using std::size_t;

bool OwnPart::smaller(const Cell& a, const Cell& b) { return a.volume < b.volume; }

OwnPart::OwnPart(const double* lo, const double* hi, std::vector<double> corners, size_t m,
                 size_t most_cells)
    : m_(m), size_(m) {
  for (size_t j = 0; j < m; ++j) size_[j] = hi[j] - lo[j];
  std::vector<Cell> heap;  // the largest cell first
  add({0.0, {lo, lo + m}, {hi, hi + m}, std::move(corners)}, heap);
  while (!heap.empty() && heap.size() < most_cells) {
    std::pop_heap(heap.begin(), heap.end(), smaller);
    Cell largest = std::move(heap.back());
    heap.pop_back();
    split(std::move(largest), heap);
  }
  double sum = 0.0;
  for (const Cell& cell : heap) {
    ends_.push_back(sum += cell.volume);
    // Along x from lo on, a box begins at max (corner - lo) / (length x): the inverse of the least
    // length / (corner - lo) x, as polar.hpp has it.
    const size_t n = cell.corners.size() / m_, stride = (n + padding - 1) / padding * padding;
    std::vector<double> columns(m_ * stride, 0.0);
    for (size_t i = 0; i < n; ++i)
      for (size_t j = 0; j < m_; ++j) {
        const double length = cell.hi[j] - cell.lo[j];
        const double depth = cell.corners[i * m_ + j] - cell.lo[j];
        columns[j * stride + i] = depth > length * 1e-280 ? length / depth : 1e280;
      }
    bodies_.push_back({columns.data(), n, m_, stride});
    columns_.push_back(std::move(columns));
  }
}

// Cuts away what the box that covers most of the cell covers: the rest are at most m cells, below
// its corner in one objective and from it on in those before.
void OwnPart::split(Cell cell, std::vector<Cell>& heap) {
  const size_t n = cell.corners.size() / m_;
  size_t row = 0;
  double most = -1.0;
  const auto depth = [&](size_t i, size_t j) {
    return (cell.corners[i * m_ + j] - cell.lo[j]) / (cell.hi[j] - cell.lo[j]);
  };
  for (size_t i = 0; i < n; ++i) {
    double covered = 1.0;
    for (size_t j = 0; j < m_; ++j) covered *= 1.0 - depth(i, j);
    if (covered > most) {
      most = covered;
      row = i;
    }
  }
  // The largest cells first.
  std::vector<size_t> order(m_);
  std::vector<double> cut(m_), depths(m_);
  for (size_t j = 0; j < m_; ++j) {
    order[j] = j;
    cut[j] = cell.corners[row * m_ + j];
    depths[j] = depth(row, j);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return depths[a] > depths[b]; });
  for (const size_t j : order) {
    if (cut[j] == cell.lo[j]) continue;
    Cell below{0.0, cell.lo, cell.hi, cell.corners};
    below.hi[j] = cut[j];
    add(std::move(below), heap);
    cell.lo[j] = cut[j];
    for (size_t i = 0; i < n; ++i)
      cell.corners[i * m_ + j] = std::max(cell.corners[i * m_ + j], cut[j]);
  }
}

// Without the boxes that do not reach into the cell: counts it, puts it on the heap, or drops it.
void OwnPart::add(Cell cell, std::vector<Cell>& heap) {
  cell.volume = 1.0;
  for (size_t j = 0; j < m_; ++j) cell.volume *= (cell.hi[j] - cell.lo[j]) / size_[j];
  if (!(cell.volume > 0.0)) return;
  size_t kept = 0;
  for (size_t i = 0; i < cell.corners.size() / m_; ++i) {
    const double* corner = cell.corners.data() + i * m_;
    bool inside = true, covers = true;
    for (size_t j = 0; j < m_; ++j) {
      inside = inside && corner[j] < cell.hi[j];
      covers = covers && corner[j] == cell.lo[j];
    }
    if (covers) return;
    if (!inside) continue;
    std::copy_n(corner, m_, cell.corners.data() + kept * m_);
    ++kept;
  }
  if (kept == 0) {
    exact_ += cell.volume;
    return;
  }
  cell.corners.resize(kept * m_);
  cell.corners.shrink_to_fit();
  heap.push_back(std::move(cell));
  std::push_heap(heap.begin(), heap.end(), smaller);
}

double OwnPart::sample(double choice, double* x) const {
  const auto end = std::upper_bound(ends_.begin(), ends_.end() - 1, choice * ends_.back());
  const Body& body = bodies_[static_cast<size_t>(end - ends_.begin())];
  const double longest = *std::max_element(x, x + m_);
  for (size_t j = 0; j < m_; ++j) x[j] /= longest;
  return std::pow(depth(body, x), static_cast<double>(m_));
}

}  // namespace lamoo
