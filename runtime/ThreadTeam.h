#pragma once
#include "Support/Error.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <pthread.h>
#include <vector>

namespace yoke {

/// Cores worth one compute thread each: distinct physical cores in the process's affinity mask, capped by the
/// container's CPU quota. At least 1.
int availableCores();

/// A counter that threads wait on: they spin, then yield, then sleep in the kernel, so that the wait is short on an
/// idle machine and does not crawl on an oversubscribed one.
class WaitableCounter {
public:
  uint32_t value() const { return counter.load(std::memory_order_acquire); }
  void increment();
  /// Returns the new value as soon as it differs from `seen`.
  uint32_t waitWhile(uint32_t seen, int spins, int yields);

private:
  alignas(64) std::atomic<uint32_t> counter{0};
  std::atomic<uint32_t> sleepers{0};
};

/// Sense-reversing barrier for a fixed number of threads. `spins`: pauses of a waiting thread before it yields.
class SpinBarrier {
public:
  SpinBarrier(int threads, int spins) : threads(threads), spins(spins), waiting(threads) {}
  void wait();

private:
  const int threads;
  const int spins;
  alignas(64) std::atomic<int> waiting;
  WaitableCounter phase;
};

/// A fixed team of threads that run one function together (single program, multiple data). The caller is thread 0.
class ThreadTeam {
public:
  using Body = void (*)(void *context, int thread);

  /// `threads` >= 1. With `pin`, thread i is bound to the i-th CPU of the affinity mask; the caller stays unbound.
  /// Error: Resources when a thread cannot be created.
  static Result<std::unique_ptr<ThreadTeam>> create(int threads, bool pin = false);
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam &) = delete;
  ThreadTeam &operator=(const ThreadTeam &) = delete;

  int size() const { return threads; }

  /// Runs `body(context, i)` on every thread i and returns when all are done. Not reentrant; one caller at a time.
  void run(Body body, void *context);

  template <class Function> void run(Function &&function) {
    run([](void *context, int thread) { (*static_cast<std::remove_reference_t<Function> *>(context))(thread); },
        &function);
  }

  /// For use inside `run`: every thread of the team must call it.
  SpinBarrier &barrier() { return teamBarrier; }

private:
  struct Worker {
    ThreadTeam *team;
    int index;
    pthread_t handle;
  };

  ThreadTeam(int threads, int spins) : threads(threads), spins(spins), teamBarrier(threads, spins) {}
  static void *workerMain(void *argument);

  const int threads;
  const int spins;
  SpinBarrier teamBarrier;
  std::vector<Worker> workers;
  Body body = nullptr;
  void *context = nullptr;
  bool stopping = false;
  WaitableCounter epoch;
  alignas(64) std::atomic<int> running{0};
  WaitableCounter finished;
};

} // namespace yoke
