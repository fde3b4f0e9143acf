#include "runtime/Roof.h"

#include "runtime/AnonymousMemory.h"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace yoke {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t readBytes = int64_t(512) << 20;
constexpr int readPasses = 5;
constexpr int64_t multiplyAdds = 2'000'000;
constexpr int accumulators = 16;

typedef float Vector8 __attribute__((vector_size(32)));
typedef float Vector16 __attribute__((vector_size(64)));
typedef int64_t Words8 __attribute__((vector_size(64)));

/// Sums `bytes` (a multiple of 4 * 128) as four interleaved streams, which keeps more prefetchers busy than one.
__attribute__((always_inline)) inline int64_t sumStreams(const std::byte *data, int64_t bytes) {
  Words8 sums[8] = {};
  const int64_t quarter = bytes / 4 / 128 * 128;
  for (int64_t i = 0; i < quarter; i += 128)
    for (int stream = 0; stream < 4; ++stream) {
      const auto *words = reinterpret_cast<const Words8 *>(data + stream * quarter + i);
      sums[2 * stream] += words[0];
      sums[2 * stream + 1] += words[1];
    }
  for (int i = 1; i < 8; ++i)
    sums[0] += sums[i];
  int64_t total = 0;
  for (int i = 0; i < 8; ++i)
    total += sums[0][i];
  return total;
}

template <class Vector> __attribute__((always_inline)) inline float multiplyAddChain(int64_t count) {
  Vector sums[accumulators];
  for (int i = 0; i < accumulators; ++i)
    sums[i] = Vector{} + float(i);
  Vector x = Vector{} + 1.000001f, y = Vector{} + 1e-9f;
  for (int64_t n = 0; n < count; ++n) {
#pragma clang fp contract(fast)
#pragma clang loop unroll(full)
    for (int i = 0; i < accumulators; ++i)
      sums[i] = sums[i] * x + y;
    asm volatile("" ::: "memory");
  }
  for (int i = 1; i < accumulators; ++i)
    sums[0] += sums[i];
  return sums[0][0];
}

struct Kernels {
  int64_t (*sum)(const std::byte *, int64_t);
  float (*multiplyAdd)(int64_t);
  int floatsPerVector;
};

int64_t sumPortable(const std::byte *data, int64_t bytes) { return sumStreams(data, bytes); }
float multiplyAddPortable(int64_t count) { return multiplyAddChain<Vector8>(count); }

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) int64_t sumAvx2(const std::byte *data, int64_t bytes) {
  return sumStreams(data, bytes);
}
__attribute__((target("avx2,fma"))) float multiplyAddAvx2(int64_t count) { return multiplyAddChain<Vector8>(count); }
__attribute__((target("avx512f"), min_vector_width(512))) int64_t sumAvx512(const std::byte *data, int64_t bytes) {
  return sumStreams(data, bytes);
}
__attribute__((target("avx512f"), min_vector_width(512))) float multiplyAddAvx512(int64_t count) {
  return multiplyAddChain<Vector16>(count);
}
#endif

Kernels chooseKernels() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f"))
    return {sumAvx512, multiplyAddAvx512, 16};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return {sumAvx2, multiplyAddAvx2, 8};
#endif
  return {sumPortable, multiplyAddPortable, 8};
}

template <class Work> double bestRate(ThreadTeam &team, double amount, int passes, Work &&work) {
  double best = 0;
  for (int pass = 0; pass < passes; ++pass) {
    auto start = Clock::now();
    team.run(work);
    best = std::max(best, amount / std::chrono::duration<double>(Clock::now() - start).count());
  }
  return best;
}

} // namespace

Result<Roof> measureRoof(ThreadTeam &team) {
  const Kernels kernels = chooseKernels();
  AnonymousMemory memory = YOKE_TRY(AnonymousMemory::allocate(readBytes, "measuring the memory bandwidth"));
  const int64_t share = readBytes / team.size() / 4096 * 4096;
  std::atomic<int64_t> sink{0};
  team.run([&](int thread) { std::memset(memory.data() + thread * share, thread + 1, share); });
  Roof roof;
  roof.readBytesPerSecond = bestRate(team, double(share) * team.size(), readPasses,
                                     [&](int thread) { sink += kernels.sum(memory.data() + thread * share, share); });
  double flops = 2.0 * accumulators * kernels.floatsPerVector * multiplyAdds * team.size();
  roof.flopsPerSecond =
      bestRate(team, flops, 3, [&](int) { sink += static_cast<int64_t>(kernels.multiplyAdd(multiplyAdds)); });
  return roof;
}

} // namespace yoke
