#include "runtime/ThreadTeam.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <linux/futex.h>
#include <sched.h>
#include <set>
#include <string>
#include <sys/syscall.h>
#include <unistd.h>

namespace yoke {
namespace {

/// Pauses, of some 20 to 60 ns each: long enough to cover the skew between threads of one kernel, and not longer than
/// it takes to sleep and wake.
constexpr int spinsUncontended = 4096;
constexpr int spinsContended = 100;

/// A thread that waited for a CPU for more than this part of the time since the last look is in competition.
constexpr int64_t contendedDelayPercent = 5;
constexpr int64_t observationNanoseconds = 4'000'000;

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

SpinPolicy::SpinPolicy(bool enoughCpus)
    : enoughCpus(enoughCpus), current(enoughCpus ? spinsUncontended : spinsContended) {}

SpinPolicy::~SpinPolicy() {
  if (schedulerStatistics >= 0)
    close(schedulerStatistics);
}

void SpinPolicy::observe() {
  if (!enoughCpus)
    return;
  const int64_t now =
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
  if (now - lastTime < observationNanoseconds)
    return;
  if (schedulerStatistics < 0)
    schedulerStatistics = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
  // Nanoseconds on a CPU, nanoseconds waiting for one, time slices.
  char text[96];
  ssize_t length = pread(schedulerStatistics, text, sizeof text - 1, 0);
  long long delay = 0;
  if (length <= 0)
    return;
  text[length] = 0;
  if (std::sscanf(text, "%*d %lld", &delay) != 1)
    return;
  if (lastTime) {
    const bool contended = (delay - lastDelay) * 100 > (now - lastTime) * contendedDelayPercent;
    current.store(contended ? spinsContended : spinsUncontended, std::memory_order_relaxed);
  }
  lastTime = now;
  lastDelay = delay;
}

void WaitableCounter::increment() {
  // Sequentially consistent with waitWhile: either we see the sleeper, or it sees the new value.
  counter.fetch_add(1);
  if (sleepers.load() > 0)
    syscall(SYS_futex, &counter, FUTEX_WAKE_PRIVATE, INT32_MAX, nullptr, nullptr, 0);
}

uint32_t WaitableCounter::waitWhile(uint32_t seen, int spins) {
  for (int i = 0; i < spins; ++i) {
    if (uint32_t now = value(); now != seen)
      return now;
    relax();
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
  phase.waitWhile(mine, policy.spins());
}

Result<std::unique_ptr<ThreadTeam>> ThreadTeam::create(int threads, bool pin) {
  const std::vector<int> cpus = affinityCpus();
  std::unique_ptr<ThreadTeam> team(new ThreadTeam(threads, static_cast<size_t>(threads) <= cpus.size()));
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
    seen = team.epoch.waitWhile(seen, team.policy.spins());
    if (team.stopping)
      return nullptr;
    team.body(team.context, worker->index);
    if (team.running.fetch_sub(1, std::memory_order_acq_rel) == 1)
      team.finished.increment();
    if (worker->index == 1)
      team.policy.observe();
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
    finished.waitWhile(before, policy.spins());
}

} // namespace yoke
