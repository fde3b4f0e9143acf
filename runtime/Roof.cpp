#include "runtime/Roof.h"

#include "runtime/AnonymousMemory.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

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

/// Sums `bytes` as `streams` interleaved streams: which number keeps most prefetchers busy depends on the machine.
template <int streams> __attribute__((always_inline)) inline int64_t sumStreams(const std::byte *data, int64_t bytes) {
  Words8 sums[2 * streams] = {};
  const int64_t part = bytes / streams / 128 * 128;
  for (int64_t i = 0; i < part; i += 128)
    for (int stream = 0; stream < streams; ++stream) {
      const auto *words = reinterpret_cast<const Words8 *>(data + stream * part + i);
      sums[2 * stream] += words[0];
      sums[2 * stream + 1] += words[1];
    }
  for (int i = 1; i < 2 * streams; ++i)
    sums[0] += sums[i];
  int64_t total = 0;
  for (int i = 0; i < 8; ++i)
    total += sums[0][i];
  return total;
}

__attribute__((always_inline)) inline int64_t sumAs(int streams, const std::byte *data, int64_t bytes) {
  return streams == 1 ? sumStreams<1>(data, bytes) : sumStreams<4>(data, bytes);
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
  int64_t (*sum)(int streams, const std::byte *, int64_t);
  float (*multiplyAdd)(int64_t);
  int floatsPerVector;
};

int64_t sumPortable(int streams, const std::byte *data, int64_t bytes) { return sumAs(streams, data, bytes); }
float multiplyAddPortable(int64_t count) { return multiplyAddChain<Vector8>(count); }

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) int64_t sumAvx2(int streams, const std::byte *data, int64_t bytes) {
  return sumAs(streams, data, bytes);
}
__attribute__((target("avx2,fma"))) float multiplyAddAvx2(int64_t count) { return multiplyAddChain<Vector8>(count); }
__attribute__((target("avx512f"), min_vector_width(512))) int64_t sumAvx512(int streams, const std::byte *data,
                                                                            int64_t bytes) {
  return sumAs(streams, data, bytes);
}
__attribute__((target("avx512f"), min_vector_width(512))) float multiplyAddAvx512(int64_t count) {
  return multiplyAddChain<Vector16>(count);
}

__attribute__((target("avx512f,avx512bf16"))) float dotBFloat16(int64_t count) {
  __m512 sums[accumulators];
  for (__m512 &sum : sums)
    sum = _mm512_setzero_ps();
  auto x = reinterpret_cast<__m512bh>(_mm512_set1_epi32(0x3f803f80));
  for (int64_t n = 0; n < count; ++n) {
#pragma clang loop unroll(full)
    for (__m512 &sum : sums)
      sum = _mm512_dpbf16_ps(sum, x, x);
    asm volatile("" ::: "memory");
  }
  for (int i = 1; i < accumulators; ++i)
    sums[0] = _mm512_add_ps(sums[0], sums[i]);
  return sums[0][0];
}

__attribute__((target("avx512f,avx512vnni"))) float dotBytes(int64_t count) {
  __m512i sums[accumulators];
  for (__m512i &sum : sums)
    sum = _mm512_setzero_si512();
  __m512i x = _mm512_set1_epi32(0x01010101);
  for (int64_t n = 0; n < count; ++n) {
#pragma clang loop unroll(full)
    for (__m512i &sum : sums)
      sum = _mm512_dpbusd_epi32(sum, x, x);
    asm volatile("" ::: "memory");
  }
  for (int i = 1; i < accumulators; ++i)
    sums[0] = _mm512_add_epi32(sums[0], sums[i]);
  return static_cast<float>(sums[0][0]);
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
  roof.readBytesPerSecond = 0;
  for (int streams : {1, 4})
    roof.readBytesPerSecond =
        std::max(roof.readBytesPerSecond, bestRate(team, double(share) * team.size(), readPasses, [&](int thread) {
                   sink += kernels.sum(streams, memory.data() + thread * share, share);
                 }));
  auto rateOf = [&](float (*run)(int64_t), int operationsPerVector) {
    double operations = double(accumulators) * operationsPerVector * multiplyAdds * team.size();
    return bestRate(team, operations, 3, [&](int) { sink += static_cast<int64_t>(run(multiplyAdds)); });
  };
  roof.flopsPerSecond = rateOf(kernels.multiplyAdd, 2 * kernels.floatsPerVector);
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512bf16"))
    roof.bf16FlopsPerSecond = rateOf(dotBFloat16, 64);
  if (__builtin_cpu_supports("avx512vnni"))
    roof.int8OpsPerSecond = rateOf(dotBytes, 128);
#endif
  return roof;
}

} // namespace yoke
