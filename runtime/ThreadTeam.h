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

/// Sense-reversing barrier for a fixed number of threads. Spins first, then yields, so that an oversubscribed machine
/// still makes progress.
class SpinBarrier {
public:
  explicit SpinBarrier(int threads) : threads(threads), waiting(threads) {}
  void wait();

private:
  const int threads;
  alignas(64) std::atomic<int> waiting;
  alignas(64) std::atomic<uint32_t> sense{0};
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

  explicit ThreadTeam(int threads) : threads(threads), teamBarrier(threads) {}
  static void *workerMain(void *argument);
  uint32_t awaitEpoch(uint32_t seen);
  void publishEpoch();

  const int threads;
  SpinBarrier teamBarrier;
  std::vector<Worker> workers;
  Body body = nullptr;
  void *context = nullptr;
  bool stopping = false;
  alignas(64) std::atomic<uint32_t> epoch{0};
  std::atomic<int> sleepers{0};
  alignas(64) std::atomic<int> running{0};
};

} // namespace yoke
