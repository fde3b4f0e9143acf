//===- yoke-roof.cpp - what this machine can do at best -------------------===//
//
// Streaming reads and multiply-adds by a team of threads: the yardsticks of `yoke bench`, without a model.
//
//===----------------------------------------------------------------------===//
#include "runtime/Roof.h"

#include <CLI/CLI.hpp>
#include <cstdio>

using namespace yoke;

static Result<Roof> measure(int threads, bool pin) {
  std::unique_ptr<ThreadTeam> team = YOKE_TRY(ThreadTeam::create(threads, pin));
  return measureRoof(*team);
}

int main(int argc, char **argv) {
  CLI::App app("Measures read bandwidth and the peaks of multiply-adds and dot products");
  std::vector<int> threadCounts = {1, availableCores()};
  bool asJson = false, pin = false;
  app.add_option("-t,--threads", threadCounts, "Threads, a list")->delimiter(',')->check(CLI::Range(1, 1024));
  app.add_flag("--json", asJson, "One line of JSON for each number of threads");
  app.add_flag("--pin-threads", pin, "Bind each thread to a CPU");
  CLI11_PARSE(app, argc, argv);

  if (!asJson)
    std::puts("| threads | read GB/s | f32 GFLOP/s | bf16 GFLOP/s | int8 GOP/s |\n|---:|---:|---:|---:|---:|");
  for (int threads : threadCounts) {
    Result<Roof> roof = measure(threads, pin);
    if (!roof) {
      std::fprintf(stderr, "yoke-roof: error: %s\n", roof.error().message.c_str());
      return static_cast<int>(roof.error().kind);
    }
    double read = roof->readBytesPerSecond / 1e9, f32 = roof->flopsPerSecond / 1e9;
    double bf16 = roof->bf16FlopsPerSecond / 1e9, int8 = roof->int8OpsPerSecond / 1e9;
    if (asJson)
      std::printf("{\"threads\": %d, \"read_gb_per_s\": %.2f, \"f32_gflop_per_s\": %.1f, \"bf16_gflop_per_s\": %.1f, "
                  "\"int8_gop_per_s\": %.1f}\n",
                  threads, read, f32, bf16, int8);
    else
      std::printf("| %d | %.1f | %.0f | %.0f | %.0f |\n", threads, read, f32, bf16, int8);
  }
}
