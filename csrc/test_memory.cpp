// Out of memory at any moment, in any thread: a status, and an archive as before.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <vector>

#include "lamoo_fast.h"
#include "rng.hpp"

namespace {

constexpr long unlimited = 1L << 30;
std::atomic<long> allocations_left{unlimited};

}  // namespace

void* operator new(std::size_t size) {
  void* memory = allocations_left.fetch_sub(1) > 0 ? std::malloc(size + 1) : nullptr;
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return allocations_left.fetch_sub(1) > 0 ? std::malloc(size + 1) : nullptr;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

int failures = 0;

// Runs body with 0, 1, 2, ... allocations until it succeeds; it must have failed in clean ways.
template <class Body, class Check>
void starve(const char* what, Body body, Check check) {
  for (long allocations = 0; allocations < 5000; ++allocations) {
    allocations_left = allocations;
    const lamoo_status status = body();
    allocations_left = unlimited;
    if (status == LAMOO_OK && allocations > 0) return;
    if (status == LAMOO_NO_MEMORY && check()) continue;
    std::printf("FAILED %s with %ld allocations: status %d\n", what, allocations, status);
    ++failures;
    return;
  }
  std::printf("FAILED %s: never succeeds\n", what);
  ++failures;
}

void test_all(std::size_t n, std::size_t m, int n_threads) {
  const lamoo_run run = {n_threads, nullptr, nullptr};
  std::vector<double> F(n * m), ref(m, 1.1), out(n);
  std::vector<std::int64_t> counts(n);
  std::vector<std::uint8_t> accepted(n);
  for (std::size_t i = 0; i < F.size(); ++i)
    F[i] = static_cast<double>(lamoo::random_bits(m, i) >> 11) * 0x1p-53;
  const auto nothing = [] { return true; };
  double volume = 0.0;
  starve("hypervolume", [&] {
    return lamoo_hypervolume(F.data(), n, m, ref.data(), &run, &volume);
  }, nothing);
  starve("hv_contributions", [&] {
    return lamoo_hv_contributions(F.data(), n, m, ref.data(), 1, &run, out.data());
  }, nothing);
  starve("is_nondominated", [&] {
    return lamoo_is_nondominated(F.data(), n, m, 0, &run, accepted.data());
  }, nothing);
  starve("pareto_rank", [&] {
    return lamoo_pareto_rank(F.data(), n, m, SIZE_MAX, SIZE_MAX, &run, counts.data());
  }, nothing);
  starve("dominance_count", [&] {
    return lamoo_dominance_count(F.data(), n, m, &run, counts.data());
  }, nothing);
  starve("boxes", [&] {
    lamoo_boxes* boxes = nullptr;
    const lamoo_status status =
        lamoo_boxes_new(F.data(), n, m, ref.data(), 0, SIZE_MAX, &run, &boxes);
    lamoo_boxes_free(boxes);
    return status;
  }, nothing);

  lamoo_archive* archive = nullptr;
  if (lamoo_archive_new(m, ref.data(), &archive) != LAMOO_OK) std::abort();
  const std::size_t half = n / 2;
  lamoo_archive_add(archive, F.data(), half, nullptr, accepted.data());
  const std::size_t size = lamoo_archive_size(archive);
  starve("archive", [&] {
    return lamoo_archive_add(archive, &F[half * m], n - half, nullptr, accepted.data());
  }, [&] { return lamoo_archive_size(archive) == size; });
  const std::size_t grown = lamoo_archive_size(archive);
  std::vector<std::uint8_t> keep(grown, 1);
  keep[0] = 0;
  starve("archive_keep", [&] { return lamoo_archive_keep(archive, keep.data()); },
         [&] { return lamoo_archive_size(archive) == grown; });
  lamoo_archive_free(archive);
}

// Every block of the archive is full, and the next row of each splits it.
void test_full_blocks() {
  constexpr std::size_t half = 128, n_blocks = 20, n = half * n_blocks;
  const double ref[2] = {1e9, 1e9};
  lamoo_archive* archive = nullptr;
  if (lamoo_archive_new(2, ref, &archive) != LAMOO_OK) std::abort();
  std::vector<std::uint8_t> accepted(n);
  // Steps at first, first + step, ...
  const auto steps = [](double first, double step, std::size_t count) {
    std::vector<double> rows(2 * count);
    for (std::size_t i = 0; i < count; ++i) {
      rows[2 * i] = first + step * static_cast<double>(i);
      rows[2 * i + 1] = -rows[2 * i];
    }
    return rows;
  };
  const auto add = [&](const std::vector<double>& rows) {
    return lamoo_archive_add(archive, rows.data(), rows.size() / 2, nullptr, accepted.data());
  };
  add(steps(0.0, 1.0, n));
  for (std::size_t b = 0; b < n_blocks - 1; ++b)
    add(steps(static_cast<double>(b * half) + 0.5, 1.0, half));
  const std::size_t size = lamoo_archive_size(archive);
  const std::vector<double> one_each = steps(0.25, half, n_blocks - 1);
  for (long allocations = 0; allocations < 50; ++allocations) {
    allocations_left = allocations;
    const lamoo_status status = add(one_each);
    allocations_left = unlimited;
    if (status == LAMOO_OK) break;
    if (status == LAMOO_NO_MEMORY && lamoo_archive_size(archive) == size) continue;
    std::printf("FAILED archive of full blocks with %ld allocations\n", allocations);
    ++failures;
    break;
  }
  lamoo_archive_free(archive);
}

// More rows than can be numbered are refused before any memory is asked for.
void test_too_many_rows() {
  constexpr std::size_t n = std::size_t{1} << 32;
  const double F = 0.0;
  allocations_left = 0;
  const bool refused =
      lamoo_is_nondominated(&F, n, 1, 0, nullptr, nullptr) == LAMOO_TOO_MANY_ROWS &&
      lamoo_pareto_rank(&F, n, 1, SIZE_MAX, SIZE_MAX, nullptr, nullptr) == LAMOO_TOO_MANY_ROWS &&
      lamoo_dominance_count(&F, n, 1, nullptr, nullptr) == LAMOO_TOO_MANY_ROWS &&
      lamoo_crowding_distance(&F, n, 1, nullptr, nullptr, nullptr) == LAMOO_TOO_MANY_ROWS &&
      lamoo_boxes_new(&F, n, 1, &F, 0, 1, nullptr, nullptr) == LAMOO_TOO_MANY_ROWS;
  allocations_left = unlimited;
  if (refused) return;
  std::printf("FAILED: too many rows are not refused\n");
  ++failures;
}

}  // namespace

int main() {
  test_too_many_rows();
  test_full_blocks();
  for (const std::size_t m : {2u, 3u, 5u})
    for (const int n_threads : {1, 4}) test_all(m == 5 ? 100 : 600, m, n_threads);
  return failures == 0 ? 0 : 1;
}
