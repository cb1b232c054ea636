#include "archive.hpp"

#include <algorithm>
#include <limits>
#include <new>

#include "hypervolume.hpp"
#include "sorting.hpp"

namespace lamoo {

Archive::Archive(std::size_t m, const double* ref)
    : m_(m),
      ref_(ref, ref + m),
      blocks_(m),
      best_(m, std::numeric_limits<double>::infinity()) {}

void Archive::add(const double* F, std::size_t n, const Run& run, std::uint8_t* accepted) {
  // All memory first: nothing below throws but Interrupted.
  if (m_ <= 2)
    steps_.reserve(n);
  else
    blocks_.reserve(n);
  // Gains of some rows cost less than the volume anew.
  const bool with_volume = asked_ && volume_known_ && (n == 1 || n <= size() / 32);
  for (std::size_t i = 0; i < n; ++i) {
    if (i % 64 == 0) run.check();
    const double* x = F + i * m_;
    accepted[i] = !best_covers(x) && (m_ <= 2 ? add_step(x) : add_row(x, with_volume, run));
    if (!accepted[i]) continue;
    asked_ = false;
    double worth = 1.0;
    for (std::size_t j = 0; j < m_; ++j) worth *= std::max(ref_[j] - x[j], 0.0);
    if (!(worth > best_worth_)) continue;
    best_worth_ = worth;
    std::copy_n(x, m_, best_.begin());
  }
}

bool Archive::best_covers(const double* x) const {
  for (std::size_t j = 0; j < m_; ++j)
    if (!(best_[j] <= x[j])) return false;
  return true;
}

bool Archive::add_step(const double* x) {
  const double y = x[0], z = x[m_ - 1], y_end = ref_[0], z_end = ref_[m_ - 1];
  return steps_.insert(y, z, [=](double from, double to, double above) {
    const double width = std::min(to, y_end) - from, height = std::min(above, z_end) - z;
    if (!(width > 0.0 && height > 0.0)) return;
    volume_.add(width * height);
    any_volume_ = true;
  });
}

bool Archive::add_row(const double* x, bool with_volume, const Run& run) {
  if (blocks_.covers(x)) return false;
  volume_known_ = volume_known_ && with_volume;
  if (volume_known_) {
    try {
      std::vector<double> rows(size() * m_);
      blocks_.copy(rows.data());
      double gain = 0.0;
      hv_improvement(x, 1, rows.data(), size(), m_, ref_.data(), run.on_threads(1), &gain);
      volume_.add(gain);
    } catch (const std::bad_alloc&) {
      volume_known_ = false;
    } catch (const TooLong&) {
      volume_known_ = false;
    }
  }
  return blocks_.insert(x);
}

void Archive::keep(const std::uint8_t* keep) {
  std::vector<double> rows(size() * m_);
  front(rows.data());
  std::size_t kept = 0;
  for (std::size_t i = 0; i < size(); ++i)
    if (keep[i] != 0) {
      std::copy_n(rows.data() + i * m_, m_, rows.data() + kept * m_);
      ++kept;
    }
  Archive left(m_, ref_.data());
  std::vector<std::uint8_t> accepted(kept);
  left.add(rows.data(), kept, Run(), accepted.data());
  *this = std::move(left);
}

void Archive::front(double* out) const {
  if (m_ <= 2) {
    steps_.for_each([&](const BlockStaircase::Step& step) {
      *out++ = step.y;
      if (m_ == 2) *out++ = step.z;
    });
    return;
  }
  std::vector<double> rows(size() * m_);
  blocks_.copy(rows.data());
  for (const Index row : LexicographicOrder(rows.data(), size(), m_).row)
    out = std::copy_n(rows.data() + row * m_, m_, out);
}

double Archive::hypervolume(const Run& run) {
  // Where products of distances come near the limits of a double, the general kernel scales them.
  constexpr double least = 1e-250, greatest = 1e250;
  const double kept = volume_.total();
  const bool safe = (least < kept && kept < greatest) || !any_volume_;
  if (!volume_known_ || m_ == 1 || (m_ == 2 && !safe)) {
    std::vector<double> rows(size() * m_);
    front(rows.data());
    const double volume = lamoo::hypervolume(rows.data(), size(), m_, ref_.data(), run);
    if (m_ <= 2) return volume;
    volume_ = Sum{volume, 0.0};
    volume_known_ = true;
  }
  asked_ = true;
  return volume_.total();
}

void Archive::Sum::add(double x) {
  const double sum = value + x;
  rest += value >= x ? value - sum + x : x - sum + value;
  value = sum;
}

}  // namespace lamoo
