// How a call runs: on how many threads, and whether its caller wants it to end early.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <thread>

#include "lamoo_fast.h"

namespace lamoo {

// The caller asked the call to end.
struct Interrupted : std::exception {
  const char* what() const noexcept override { return "interrupted"; }
};

// An exact result would take days at the least.
struct TooLong : std::exception {
  const char* what() const noexcept override { return "too much work"; }
};

// A call with more rows than 32 bits number.
struct TooManyRows : std::exception {
  const char* what() const noexcept override { return "more than 2**32 - 1 rows"; }
};

// One for each call, shared by its threads.
class Run {
 public:
  Run(int n_threads = 1) : n_threads_(std::max(n_threads, 1)) {}
  // run may be null: one thread, never interrupted.
  explicit Run(const lamoo_run* run) : Run(run != nullptr ? run->n_threads : 1) {
    if (run == nullptr) return;
    interrupted_ = run->interrupted;
    context_ = run->context;
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  // The same call on another number of threads: for a kernel inside of a parallel loop.
  Run on_threads(int n_threads) const { return Run(*this, n_threads); }

  int n_threads() const { return n_threads_; }

  // To be called from time to time in long loops, by any thread. The caller's callback is asked on
  // the caller's thread only; the other threads hear of it here. Throws Interrupted.
  void check() const {
    if (stop_->load(std::memory_order_relaxed)) throw Interrupted();
    if (interrupted_ == nullptr || std::this_thread::get_id() != caller_) return;
    // Short calls do without the clock.
    if (checks_ < checks_of_short_calls) {
      if (++checks_ == checks_of_short_calls) asked_ = Clock::now();
      return;
    }
    const Clock::time_point now = Clock::now();
    if (now - asked_ < pause) return;
    asked_ = now;
    if (interrupted_(context_) == 0) return;
    stop_->store(true, std::memory_order_relaxed);
    throw Interrupted();
  }

  bool can_be_interrupted() const { return interrupted_ != nullptr; }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds pause{30};
  static constexpr int checks_of_short_calls = 12;

  Run(const Run& outer, int n_threads)
      : n_threads_(n_threads),
        interrupted_(outer.interrupted_),
        context_(outer.context_),
        caller_(outer.caller_),
        stop_(outer.stop_) {}

  int n_threads_;
  int (*interrupted_)(void*) = nullptr;
  void* context_ = nullptr;
  std::thread::id caller_ = std::this_thread::get_id();
  mutable int checks_ = 0;
  mutable Clock::time_point asked_;
  std::atomic<bool> own_stop_{false};
  std::atomic<bool>* stop_ = &own_stop_;
};

}  // namespace lamoo
