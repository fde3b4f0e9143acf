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

/// A counter that threads wait on: they spin for a while, then sleep in the kernel.
class WaitableCounter {
public:
  uint32_t value() const { return counter.load(std::memory_order_acquire); }
  void increment();
  /// Returns the new value as soon as it differs from `seen`.
  uint32_t waitWhile(uint32_t seen, int spins);

private:
  alignas(64) std::atomic<uint32_t> counter{0};
  std::atomic<uint32_t> sleepers{0};
};

/// How long a waiting thread of a team spins before it sleeps. Spinning is quickest when every thread has a CPU of its
/// own. When other programs compete for the CPUs, the thread that is waited for is often not running, and whoever spins
/// uses up the share of time that the scheduler would let it compute with.
class SpinPolicy {
public:
  /// `enoughCpus`: the process may use at least one CPU per thread.
  explicit SpinPolicy(bool enoughCpus);
  int spins() const { return current.load(std::memory_order_relaxed); }
  /// For one thread of the team, always the same, from time to time: looks at how long it had to wait for a CPU.
  void observe();
  ~SpinPolicy();

private:
  const bool enoughCpus;
  std::atomic<int> current;
  int schedulerStatistics = -1;
  int64_t lastTime = 0, lastDelay = 0;
};

/// Sense-reversing barrier for a fixed number of threads.
class SpinBarrier {
public:
  SpinBarrier(int threads, const SpinPolicy &policy) : threads(threads), policy(policy), waiting(threads) {}
  void wait();

private:
  const int threads;
  const SpinPolicy &policy;
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
  /// For long runs: one thread, always the same, calls it from time to time. See SpinPolicy.
  void observeContention() { policy.observe(); }

private:
  struct Worker {
    ThreadTeam *team;
    int index;
    pthread_t handle;
  };

  ThreadTeam(int threads, bool enoughCpus) : threads(threads), policy(enoughCpus), teamBarrier(threads, policy) {}
  static void *workerMain(void *argument);

  const int threads;
  SpinPolicy policy;
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
