#include "runtime/ThreadTeam.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <linux/futex.h>
#include <sched.h>
#include <set>
#include <string>
#include <sys/syscall.h>
#include <unistd.h>

namespace yoke {
namespace {

/// Pauses before the first yield: long enough to cover the skew between threads of one kernel, and next to none when
/// the thread that is waited for needs this CPU.
constexpr int spinsOnOwnCpu = 4096;
constexpr int spinsOnSharedCpu = 32;
/// Yields before sleeping inside a step: other threads of the team may need this CPU, other programs should not get it.
constexpr int yieldsInStep = 4;
/// Yields before an idle worker sleeps: covers the sampling between two decode steps.
constexpr int yieldsBetweenSteps = 256;

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

std::vector<int> affinityCpus() {
  // The mask may be larger than cpu_set_t on big machines.
  for (int count = CPU_SETSIZE; count <= (1 << 18); count *= 2) {
    cpu_set_t *set = CPU_ALLOC(count);
    if (!set)
      break;
    size_t bytes = CPU_ALLOC_SIZE(count);
    std::vector<int> cpus;
    bool ok = sched_getaffinity(0, bytes, set) == 0;
    if (ok)
      for (int cpu = 0; cpu < count; ++cpu)
        if (CPU_ISSET_S(cpu, bytes, set))
          cpus.push_back(cpu);
    CPU_FREE(set);
    if (ok)
      return cpus;
    if (errno != EINVAL)
      break;
  }
  return {};
}

std::string firstLine(const std::string &path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

/// CPUs granted by the cgroup quota, 0 when unlimited or unknown.
int quotaCpus() {
  std::string line = firstLine("/sys/fs/cgroup/cpu.max");
  double quota = 0, period = 0;
  if (std::sscanf(line.c_str(), "%lf %lf", &quota, &period) == 2 && quota > 0 && period > 0)
    return std::max(1, static_cast<int>(std::ceil(quota / period)));
  return 0;
}

} // namespace

int availableCores() {
  std::set<std::string> cores;
  for (int cpu : affinityCpus()) {
    std::string siblings =
        firstLine("/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/thread_siblings_list");
    cores.insert(siblings.empty() ? "cpu" + std::to_string(cpu) : siblings);
  }
  int count = std::max<int>(1, static_cast<int>(cores.size()));
  int quota = quotaCpus();
  return quota ? std::min(count, quota) : count;
}

void WaitableCounter::increment() {
  // Sequentially consistent with waitWhile: either we see the sleeper, or it sees the new value.
  counter.fetch_add(1);
  if (sleepers.load() > 0)
    syscall(SYS_futex, &counter, FUTEX_WAKE_PRIVATE, INT32_MAX, nullptr, nullptr, 0);
}

uint32_t WaitableCounter::waitWhile(uint32_t seen, int spinCount, int yields) {
  for (int i = 0; i < spinCount + yields; ++i) {
    if (uint32_t now = value(); now != seen)
      return now;
    if (i < spinCount)
      relax();
    else
      sched_yield();
  }
  sleepers.fetch_add(1);
  uint32_t now;
  while ((now = counter.load()) == seen)
    syscall(SYS_futex, &counter, FUTEX_WAIT_PRIVATE, seen, nullptr, nullptr, 0);
  sleepers.fetch_sub(1);
  return now;
}

void SpinBarrier::wait() {
  if (threads == 1)
    return;
  uint32_t mine = phase.value();
  if (waiting.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    waiting.store(threads, std::memory_order_relaxed);
    phase.increment();
    return;
  }
  phase.waitWhile(mine, spins, yieldsInStep);
}

Result<std::unique_ptr<ThreadTeam>> ThreadTeam::create(int threads, bool pin) {
  const std::vector<int> cpus = affinityCpus();
  const bool enoughCpus = static_cast<size_t>(threads) <= cpus.size();
  std::unique_ptr<ThreadTeam> team(new ThreadTeam(threads, enoughCpus ? spinsOnOwnCpu : spinsOnSharedCpu));
  team->workers.reserve(threads - 1);
  for (int i = 1; i < threads; ++i) {
    team->workers.push_back({team.get(), i, {}});
    int error = pthread_create(&team->workers.back().handle, nullptr, workerMain, &team->workers.back());
    if (error) {
      team->workers.pop_back();
      return outOfResources("cannot start thread {} of {}: {}; try a smaller --threads", i + 1, threads,
                            std::strerror(error));
    }
    if (pin && !cpus.empty()) {
      cpu_set_t set;
      CPU_ZERO(&set);
      CPU_SET(cpus[i % cpus.size()], &set);
      pthread_setaffinity_np(team->workers.back().handle, sizeof set, &set);
    }
  }
  return team;
}

ThreadTeam::~ThreadTeam() {
  stopping = true;
  epoch.increment();
  for (Worker &worker : workers)
    pthread_join(worker.handle, nullptr);
}

void *ThreadTeam::workerMain(void *argument) {
  auto *worker = static_cast<Worker *>(argument);
  ThreadTeam &team = *worker->team;
  uint32_t seen = 0;
  while (true) {
    seen = team.epoch.waitWhile(seen, team.spins, yieldsBetweenSteps);
    if (team.stopping)
      return nullptr;
    team.body(team.context, worker->index);
    if (team.running.fetch_sub(1, std::memory_order_acq_rel) == 1)
      team.finished.increment();
  }
}

void ThreadTeam::run(Body newBody, void *newContext) {
  const uint32_t before = finished.value();
  if (threads > 1) {
    body = newBody;
    context = newContext;
    running.store(threads - 1, std::memory_order_relaxed);
    epoch.increment();
  }
  newBody(newContext, 0);
  if (threads > 1)
    finished.waitWhile(before, spins, yieldsInStep);
}

} // namespace yoke
