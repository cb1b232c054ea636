#include "archive.hpp"

#include <algorithm>

#include "hypervolume.hpp"

namespace lamoo {

Archive::Archive(std::size_t m, const double* ref) : m_(m), ref_(ref, ref + m), blocks_(m) {}

void Archive::add(const double* F, std::size_t n, std::uint8_t* accepted) {
  // All memory first: nothing below throws.
  if (m_ <= 2) {
    const std::size_t needed = sorted_.size() + n * m_;
    if (needed > sorted_.capacity()) sorted_.reserve(std::max(needed, 2 * sorted_.capacity()));
  } else {
    blocks_.reserve(blocks_.size() + n);
  }
  for (std::size_t i = 0; i < n; ++i) {
    const bool changed = m_ <= 2 ? add_sorted(F + i * m_) : add_scanned(F + i * m_);
    accepted[i] = changed;
    if (changed) hypervolume_.reset();
  }
}

// Members are a staircase, so those that x covers are neighbours, and only the last member that is
// no larger in the first objective can cover x.
bool Archive::add_sorted(const double* x) {
  const std::size_t last = m_ - 1;
  std::size_t low = 0, high = size();
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (sorted_[middle * m_] <= x[0])
      low = middle + 1;
    else
      high = middle;
  }
  if (low > 0 && sorted_[(low - 1) * m_ + last] <= x[last]) return false;
  if (low > 0 && sorted_[(low - 1) * m_] == x[0]) --low;
  std::size_t end = low;
  while (end < size() && sorted_[end * m_ + last] >= x[last]) ++end;

  const auto at = [this](std::size_t i) {
    return sorted_.begin() + static_cast<std::ptrdiff_t>(i * m_);
  };
  if (low == end) {
    sorted_.insert(at(low), x, x + m_);
  } else {
    std::copy(x, x + m_, at(low));
    sorted_.erase(at(low + 1), at(end));
  }
  return true;
}

bool Archive::add_scanned(const double* x) {
  if (blocks_.covers(x)) return false;
  blocks_.remove_covered_by(x);
  blocks_.push_back(x);
  return true;
}

void Archive::front(double* out) const {
  if (m_ <= 2) {
    std::copy(sorted_.begin(), sorted_.end(), out);
    return;
  }
  std::vector<double> rows(size() * m_);
  for (std::size_t i = 0; i < size(); ++i)
    for (std::size_t j = 0; j < m_; ++j) rows[i * m_ + j] = blocks_.at(i, j);
  for (const KeyedRow& from : lexicographic_rows(rows.data(), size(), m_))
    out = std::copy_n(rows.data() + from.row * m_, m_, out);
}

double Archive::hypervolume() {
  if (!hypervolume_) {
    std::vector<double> rows(size() * m_);
    front(rows.data());
    hypervolume_ = lamoo::hypervolume(rows.data(), size(), m_, ref_.data(), 1);
  }
  return *hypervolume_;
}

}  // namespace lamoo
