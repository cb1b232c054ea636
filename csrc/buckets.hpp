// Points sorted by x, for sweeps.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "parallel.hpp"
#include "run.hpp"

namespace lamoo {

// A monotone map from numbers in [low, high] to 0 .. count - 1.
class LinearMap {
 public:
  LinearMap(double low, double high, std::uint32_t count)
      : low_(0.5 * low), top_(count - 1), slope_(count / (0.5 * high - low_)) {
    // All equal, or too near for the slope to be a number: all map to 0.
    if (!(slope_ <= std::numeric_limits<double>::max())) slope_ = 0.0;
  }
  std::uint32_t operator()(double x) const {
    const double at = (0.5 * x - low_) * slope_;
    return at > 0.0 ? static_cast<std::uint32_t>(std::min(at, top_)) : 0;  // NaN maps to 0
  }

 private:
  double low_, top_, slope_;
};

template <class Point>
void sort_by_insertion(Point* first, Point* last) {
  for (Point* i = first + 1; i < last; ++i) {
    const Point point = *i;
    Point* hole = i;
    for (; hole > first && point < hole[-1]; --hole) *hole = hole[-1];
    *hole = point;
  }
}

// Sorts ranges, with memory of its own. a < b compares x first.
template <class Point>
class LocalSorter {
 public:
  // O(n) where x is spread out, O(n log n) always.
  void operator()(Point* first, Point* last, int depth = 0) {
    const std::size_t n = static_cast<std::size_t>(last - first);
    if (n <= few) return sort_by_insertion(first, last);
    double low = first->x, high = first->x;
    for (const Point* p = first; p < last; ++p) {
      low = std::min(low, p->x);
      high = std::max(high, p->x);
    }
    if (depth == max_depth || !(low < high)) return std::sort(first, last);
    std::uint32_t cells = 64;
    while (cells < n && cells < 4096) cells *= 2;
    const LinearMap cell(low, high, cells);
    starts_.assign(cells + 1, 0);
    for (const Point* p = first; p < last; ++p) ++starts_[cell(p->x) + 1];
    std::size_t largest = 0, total = 0;
    for (std::uint32_t c = 1; c <= cells; ++c) {
      largest = std::max(largest, starts_[c]);
      total += starts_[c];
      starts_[c] = total;
    }
    if (spare_.size() < n) spare_.resize(n);
    for (const Point* p = first; p < last; ++p) spare_[starts_[cell(p->x)]++] = *p;
    std::copy_n(spare_.data(), n, first);
    if (largest <= few) return sort_by_insertion(first, last);  // nothing leaves its cell
    for (Point* run = first; run < last;) {
      Point* end = run + 1;
      for (const std::uint32_t c = cell(run->x); end < last && cell(end->x) == c;) ++end;
      (*this)(run, end, depth + 1);
      run = end;
    }
  }

 private:
  static constexpr std::size_t few = 24;
  static constexpr int max_depth = 3;

  std::vector<Point> spare_;
  std::vector<std::size_t> starts_;
};

// An array, without the cost of filling it first.
template <class Point>
struct Sorted {
  std::unique_ptr<Point[]> points;
  std::size_t count;

  std::size_t size() const { return count; }
  const Point& operator[](std::size_t i) const { return points[i]; }
  const Point* begin() const { return points.get(); }
  const Point* end() const { return points.get() + count; }
};

// All points in buckets by x; those of a bucket in order once sort(bucket) was called.
template <class Point>
class Buckets {
 public:
  // get(i) is point i < n, low <= x <= high. With only_front, points are left out that are nowhere
  // lower than some point in a bucket before.
  template <class Get>
  Buckets(std::size_t n, const Get& get, double low, double high, bool only_front, const Run& run)
      : points_(new Point[n]), threads_(n < worth_threads ? 1 : std::min(run.n_threads(), 64)) {
    const std::uint32_t count = static_cast<std::uint32_t>(
        std::clamp(n / per_bucket, std::size_t{1}, std::size_t{most_buckets}));
    const LinearMap bucket(low, high, count);
    const std::size_t parts = static_cast<std::size_t>(threads_);
    ends_.assign(parts * count, 0);
    begins_.assign(parts * count, 0);
    std::vector<double> least(parts * count, std::numeric_limits<double>::infinity());
    const auto for_each_part = [&](const auto& work) {
      parallel_for(parts, threads_, run, [&] {
        return [&](std::size_t part) {
          const std::size_t end = n * (part + 1) / parts;
          for (std::size_t i = n * part / parts; i < end;) {
            run.check();
            for (const std::size_t stop = std::min(end, i + check_every); i < stop; ++i)
              work(part * count, get(i));
          }
        };
      });
    };
    for_each_part([&](std::size_t offset, const Point& p) {
      const std::size_t at = offset + bucket(p.x);
      ++ends_[at];
      least[at] = std::min(least[at], p.height());
    });
    tops_.resize(count);
    double top = std::numeric_limits<double>::infinity();
    std::size_t total = 0;
    for (std::uint32_t b = 0; b < count; ++b) {
      tops_[b] = top;
      for (std::size_t part = 0; part < parts; ++part) {
        const std::size_t at = part * count + b, size = ends_[at];
        begins_[at] = ends_[at] = total;
        total += size;
        top = std::min(top, least[at]);
      }
    }
    for_each_part([&](std::size_t offset, const Point& p) {
      const std::uint32_t b = bucket(p.x);
      if (only_front && p.height() >= tops_[b]) return;
      points_[ends_[offset + b]++] = p;
    });
  }

  std::size_t size() const { return tops_.size(); }
  int threads() const { return threads_; }
  // The least height of the buckets before this one, or infinity.
  double top(std::size_t bucket) const { return tops_[bucket]; }

  struct Range {
    Point *first, *last;
  };
  Range sort(std::size_t bucket, LocalSorter<Point>& sorter) {
    Point* const points = points_.get();
    Point* first = points + begins_[bucket];
    Point* last = points + ends_[bucket];
    for (std::size_t at = bucket + size(); at < ends_.size(); at += size())
      last = std::copy(points + begins_[at], points + ends_[at], last);
    sorter(first, last);
    return {first, last};
  }

  // All points in order, sorted on all threads; the buckets are gone after that.
  Sorted<Point> sorted(const Run& run) {
    std::vector<Range> ranges(size());
    parallel_for((size() + group - 1) / group, threads_, run, [&] {
      return [&, sorter = LocalSorter<Point>()](std::size_t g) mutable {
        for (std::size_t b = g * group; b < std::min(size(), (g + 1) * group); ++b)
          ranges[b] = sort(b, sorter);
      };
    });
    Point* end = points_.get();
    for (const Range& range : ranges)
      end = range.first == end ? range.last : std::copy(range.first, range.last, end);
    const std::size_t n = static_cast<std::size_t>(end - points_.get());
    return {std::move(points_), n};
  }

  static constexpr std::size_t group = 16;  // buckets that a thread takes at a time

 private:
  static constexpr std::size_t per_bucket = 16, most_buckets = 4096;
  static constexpr std::size_t worth_threads = 30000;  // points
  static constexpr std::size_t check_every = std::size_t{1} << 14;

  std::unique_ptr<Point[]> points_;
  int threads_;
  std::vector<std::size_t> begins_, ends_;  // of each bucket of each part
  std::vector<double> tops_;
};

}  // namespace lamoo
