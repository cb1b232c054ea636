// A loop of independent tasks over threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "run.hpp"

namespace lamoo {

// Calls task(i) once for every i in [0, count), in any order, on up to n_threads threads, the
// caller's among them. make_task() is called once in each thread: it returns the task together
// with the scratch memory of that thread. Tasks of very different cost are fine: each thread takes
// the next index when it is done with one. The first exception ends the loop and is thrown here.
// Between tasks, and while it waits for the others, the caller's thread asks run.check(); long
// tasks should ask it themselves.
template <class MakeTask>
void parallel_for(std::size_t count, int n_threads, const Run& run, const MakeTask& make_task) {
  const std::size_t threads = std::min(static_cast<std::size_t>(std::max(n_threads, 1)), count);
  if (threads <= 1) {
    if (count == 0) return;
    auto task = make_task();
    for (std::size_t i = 0; i < count; ++i) {
      run.check();
      task(i);
    }
    return;
  }

  std::atomic<std::size_t> next{0};
  std::exception_ptr error;
  std::mutex mutex;
  std::condition_variable done;
  std::size_t working = 0;
  const auto fail = [&] {
    next.store(count, std::memory_order_relaxed);
    const std::lock_guard<std::mutex> lock(mutex);
    if (!error) error = std::current_exception();
  };
  const auto work = [&] {
    try {
      auto task = make_task();
      for (std::size_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < count;) {
        run.check();
        task(i);
      }
    } catch (...) {
      fail();
    }
  };
  const auto help = [&] {
    work();
    const std::lock_guard<std::mutex> lock(mutex);
    --working;
    done.notify_one();
  };

  std::vector<std::thread> helpers;
  helpers.reserve(threads - 1);
  try {
    while (helpers.size() < threads - 1) {
      const std::lock_guard<std::mutex> lock(mutex);
      helpers.emplace_back(help);
      ++working;
    }
  } catch (...) {
    // No more threads, or no memory for one: those there are, and the caller's, do all the work.
  }
  work();
  try {
    std::unique_lock<std::mutex> lock(mutex);
    const auto idle = [&] { return working == 0; };
    while (run.can_be_interrupted() && !idle() && !error) {
      done.wait_for(lock, std::chrono::milliseconds(50), idle);
      lock.unlock();
      run.check();
      lock.lock();
    }
  } catch (...) {
    fail();
  }
  for (std::thread& helper : helpers) helper.join();
  if (error) std::rethrow_exception(error);
}

}  // namespace lamoo
