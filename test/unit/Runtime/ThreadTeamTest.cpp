#include "runtime/ThreadTeam.h"

#include <chrono>
#include <gtest/gtest.h>
#include <numeric>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace yoke {
namespace {

TEST(ThreadTeam, EveryThreadRunsOnce) {
  for (int size : {1, 2, 3, 7}) {
    auto team = ThreadTeam::create(size).value();
    std::vector<int> runs(size);
    for (int round = 0; round < 200; ++round)
      team->run([&](int thread) { ++runs[thread]; });
    for (int count : runs)
      EXPECT_EQ(count, 200);
  }
}

/// More threads than cores: the barrier must hold all of them at each phase, and must not crawl.
TEST(ThreadTeam, BarrierStress) {
  constexpr int size = 6, phases = 1000;
  auto team = ThreadTeam::create(size).value();
  std::vector<int64_t> cells(size);
  std::atomic<int> wrong{0};
  for (int round = 0; round < 3; ++round) {
    std::fill(cells.begin(), cells.end(), 0);
    team->run([&](int thread) {
      for (int phase = 0; phase < phases; ++phase) {
        cells[thread] = phase + 1;
        team->barrier().wait();
        if (std::accumulate(cells.begin(), cells.end(), int64_t(0)) != int64_t(size) * (phase + 1))
          ++wrong;
        team->barrier().wait();
      }
    });
  }
  EXPECT_EQ(wrong, 0);
}

TEST(ThreadTeam, WakesAfterSleeping) {
  auto team = ThreadTeam::create(3).value();
  std::atomic<int> runs{0};
  for (int round = 0; round < 5; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    team->run([&](int) { ++runs; });
  }
  EXPECT_EQ(runs, 15);
}

TEST(ThreadTeam, PinnedThreadsRun) {
  auto team = ThreadTeam::create(2, /*pin=*/true).value();
  std::atomic<int> runs{0};
  team->run([&](int) { ++runs; });
  EXPECT_EQ(runs, 2);
}

TEST(ThreadTeam, AvailableCoresIsPositive) {
  EXPECT_GE(availableCores(), 1);
  EXPECT_LE(availableCores(), static_cast<int>(std::thread::hardware_concurrency()));
}

TEST(ThreadTeam, RefusedThreadIsAResourceError) {
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  GTEST_SKIP() << "sanitizers need the address space that this test takes away";
#endif
  pid_t child = fork();
  if (child == 0) {
    // Address space for no further stack.
    rlimit limit = {1, 1};
    setrlimit(RLIMIT_AS, &limit);
    auto team = ThreadTeam::create(64);
    _exit(!team && team.error().kind == ErrorKind::Resources ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

} // namespace
} // namespace yoke
