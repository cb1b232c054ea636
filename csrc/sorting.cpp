#include "sorting.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "parallel.hpp"
#include "run.hpp"

namespace lamoo {
namespace {

constexpr std::ptrdiff_t few = 24;  // records that insertion sorts
constexpr int max_depth = 4;        // of sorts inside one bucket, before the general sort takes over

double number_of(std::uint64_t key) {
  constexpr std::uint64_t sign = std::uint64_t{1} << 63;
  const std::uint64_t bits = (key & sign) != 0 ? key ^ sign : ~key;
  double x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

bool by_key(const Record& a, const Record& b) { return a.key < b.key; }

void sort_by_insertion(Record* first, Record* last) {
  for (Record* i = first + 1; i < last; ++i) {
    const Record record = *i;
    Record* hole = i;
    for (; hole > first && record.key < hole[-1].key; --hole) *hole = hole[-1];
    *hole = record;
  }
}

// One stable pass of a radix sort: `bits` bits of the bucket from `shift` on.
void scatter(const Record* from, std::size_t n, unsigned shift, unsigned bits, Record* to,
             std::vector<Index>& starts) {
  const Index mask = (Index{1} << bits) - 1;
  starts.assign(std::size_t{mask} + 2, 0);
  for (std::size_t i = 0; i < n; ++i) ++starts[((from[i].bucket >> shift) & mask) + 1];
  for (std::size_t d = 1; d < starts.size(); ++d) starts[d] += starts[d - 1];
  for (std::size_t i = 0; i < n; ++i) to[starts[(from[i].bucket >> shift) & mask]++] = from[i];
}

}  // namespace

void Sorter::sort(Record* first, Record* last, int depth) {
  if (last - first <= few) return sort_by_insertion(first, last);
  const std::size_t n = static_cast<std::size_t>(last - first);
  std::uint64_t low = first->key, high = first->key;
  bool sorted = true;
  for (const Record* r = first + 1; r < last; ++r) {
    sorted &= r[-1].key <= r->key;
    low = std::min(low, r->key);
    high = std::max(high, r->key);
  }
  if (sorted) return;

  // As many buckets as records, so that most hold one or two.
  unsigned digit = 2;
  while (digit < 11 && (std::size_t{1} << (2 * digit)) < n) ++digit;
  const double least = number_of(low), top = static_cast<double>((1u << (2 * digit)) - 1);
  const double scale = top / (number_of(high) - least);
  // Negated: true as well for NaN, and for numbers too far apart or too near to be mapped.
  if (depth > max_depth || !(scale > 0.0 && scale <= std::numeric_limits<double>::max()))
    return std::stable_sort(first, last, by_key);

  for (Record* r = first; r < last; ++r)  // rounding is monotone, so buckets are in order
    r->bucket = static_cast<Index>(std::min((number_of(r->key) - least) * scale, top));
  if (spare_.size() < n) spare_.resize(n);
  scatter(first, n, 0, digit, spare_.data(), starts_);
  scatter(spare_.data(), n, digit, digit, first, starts_);

  for (Record* run = first; run < last;) {
    Record* end = run + 1;
    while (end < last && end->bucket == run->bucket) ++end;
    if (end - run > 1) sort(run, end, depth + 1);
    run = end;
  }
}

namespace {

// Stable. On threads: records go to parts by value, and each part is sorted on its own.
void sort_all(std::vector<Record>& records, const Run& run) {
  constexpr std::size_t worth_threads = 30000, parts = 64, chunk = std::size_t{1} << 14;
  const std::size_t n = records.size(), chunks = (n + chunk - 1) / chunk;
  const auto sort = [&] { Sorter().sort(records.data(), records.data() + n); };
  if (run.n_threads() == 1 || n < worth_threads) return sort();
  const auto [least, most] = std::minmax_element(records.begin(), records.end(), by_key);
  const double low = number_of(least->key), top = parts - 1;
  const double scale = top / (number_of(most->key) - low);
  // Negated: true as well for NaN.
  if (!(scale > 0.0 && scale <= std::numeric_limits<double>::max())) return sort();

  std::vector<Index> ends(chunks * parts, 0);  // of each part of each chunk
  const auto for_each_chunk = [&](const auto& work) {
    parallel_for(chunks, run.n_threads(), run, [&] {
      return [&](std::size_t c) {
        for (std::size_t i = c * chunk; i < std::min(n, (c + 1) * chunk); ++i)
          work(records[i], ends.data() + c * parts);
      };
    });
  };
  for_each_chunk([&](Record& record, Index* counts) {
    record.bucket = static_cast<Index>(std::min((number_of(record.key) - low) * scale, top));
    ++counts[record.bucket];
  });
  Index total = 0;
  std::vector<Index> starts;
  for (std::size_t part = 0; part < parts; ++part) {
    starts.push_back(total);
    for (std::size_t c = 0; c < chunks; ++c)
      total += std::exchange(ends[c * parts + part], total);
  }
  starts.push_back(total);
  std::vector<Record> sorted(n);
  for_each_chunk([&](const Record& record, Index* at) { sorted[at[record.bucket]++] = record; });
  parallel_for(parts, run.n_threads(), run, [&] {
    return [&, sorter = Sorter()](std::size_t part) mutable {
      sorter.sort(sorted.data() + starts[part], sorted.data() + starts[part + 1]);
    };
  });
  records.swap(sorted);
}

}  // namespace

LexicographicOrder::LexicographicOrder(const double* F, std::size_t n, std::size_t m,
                                       const Run& run)
    : row(checked_row_count(n)), equal(n) {
  std::vector<Record> records(n);
  for (std::size_t i = 0; i < n; ++i) records[i].row = static_cast<Index>(i);

  // Rows that are equal so far, as positions: first, last.
  std::vector<std::pair<std::size_t, std::size_t>> runs, next;
  if (n > 1) runs.emplace_back(0, n);
  Sorter sorter;
  for (std::size_t j = 0; j < m && !runs.empty(); ++j) {
    next.clear();
    for (const auto& [first, last] : runs) {
      for (std::size_t k = first; k < last; ++k)
        records[k].key = order_key(F[records[k].row * m + j]);
      if (last - first == n)
        sort_all(records, run);
      else
        sorter.sort(records.data() + first, records.data() + last);
      for (std::size_t k = first; k < last;) {
        std::size_t end = k + 1;
        while (end < last && records[end].key == records[k].key) ++end;
        if (end - k > 1) next.emplace_back(k, end);
        k = end;
      }
    }
    runs.swap(next);
  }
  for (std::size_t k = 0; k < n; ++k) {
    row[k] = records[k].row;
    equal[k] = static_cast<Index>(k);
  }
  for (const auto& [first, last] : runs)
    std::fill(equal.begin() + static_cast<std::ptrdiff_t>(first),
              equal.begin() + static_cast<std::ptrdiff_t>(last), static_cast<Index>(first));
}

std::size_t checked_row_count(std::size_t n) {
  if (n > std::numeric_limits<Index>::max()) throw TooManyRows();
  return n;
}

}  // namespace lamoo
