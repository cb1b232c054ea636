// A loop of independent tasks over threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace lamoo {

// Calls task(i) once for every i in [0, count), in any order, on up to n_threads threads, the
// caller's among them. make_task() is called once in each thread: it returns the task together
// with the scratch memory of that thread. Tasks of very different cost are fine: each thread takes
// the next index when it is done with one. The first exception ends the loop and is thrown here.
template <class MakeTask>
void parallel_for(std::size_t count, int n_threads, const MakeTask& make_task) {
  const std::size_t threads = std::min(static_cast<std::size_t>(std::max(n_threads, 1)), count);
  if (threads <= 1) {
    if (count == 0) return;
    auto task = make_task();
    for (std::size_t i = 0; i < count; ++i) task(i);
    return;
  }

  std::atomic<std::size_t> next{0};
  std::exception_ptr error;
  std::mutex error_mutex;
  const auto run = [&] {
    try {
      auto task = make_task();
      for (std::size_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < count;) task(i);
    } catch (...) {
      next.store(count, std::memory_order_relaxed);
      const std::lock_guard<std::mutex> lock(error_mutex);
      if (!error) error = std::current_exception();
    }
  };

  std::vector<std::thread> helpers;
  helpers.reserve(threads - 1);
  try {
    while (helpers.size() < threads - 1) helpers.emplace_back(run);
  } catch (...) {
    // No more threads, or no memory for one: those there are, and the caller's, do all the work.
  }
  run();
  for (std::thread& helper : helpers) helper.join();
  if (error) std::rethrow_exception(error);
}

}  // namespace lamoo
