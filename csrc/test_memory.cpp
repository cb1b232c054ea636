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

  lamoo_archive* archive = nullptr;
  if (lamoo_archive_new(m, ref.data(), &archive) != LAMOO_OK) std::abort();
  const std::size_t half = n / 2;
  lamoo_archive_add(archive, F.data(), half, accepted.data());
  const std::size_t size = lamoo_archive_size(archive);
  starve("archive", [&] {
    return lamoo_archive_add(archive, &F[half * m], n - half, accepted.data());
  }, [&] { return lamoo_archive_size(archive) == size; });
  const std::size_t grown = lamoo_archive_size(archive);
  std::vector<std::uint8_t> keep(grown, 1);
  keep[0] = 0;
  starve("archive_keep", [&] { return lamoo_archive_keep(archive, keep.data()); },
         [&] { return lamoo_archive_size(archive) == grown; });
  lamoo_archive_free(archive);
}

}  // namespace

int main() {
  for (const std::size_t m : {2u, 3u, 5u})
    for (const int n_threads : {1, 4}) test_all(m == 5 ? 100 : 600, m, n_threads);
  return failures == 0 ? 0 : 1;
}
