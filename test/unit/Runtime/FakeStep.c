#include "FakeStep.h"

int64_t yokeFakeCalls, yokeFakeLargestStep;

static const int32_t *ints(const struct YokeMemRef1 *memory) {
  return (const int32_t *)memory->aligned + memory->offset;
}

static float *pageOf(const struct YokeMemRef1 *kv, const struct YokeMemRef1 *blocks, int64_t stride, int32_t sequence,
                     int32_t slot) {
  int32_t page = ints(blocks)[sequence * stride + slot / FakePageTokens];
  return (float *)((char *)kv->aligned + (int64_t)page * FakePageBytes);
}

void _mlir_ciface_yoke_step(struct YokeMemRef1 *weights, struct YokeMemRef1 *arena, struct YokeMemRef1 *kv,
                            struct YokeMemRef1 *tokens, struct YokeMemRef1 *positions, struct YokeMemRef1 *slots,
                            struct YokeMemRef1 *limits, struct YokeMemRef1 *sequences, struct YokeMemRef1 *parents,
                            struct YokeMemRef1 *outputs, struct YokeMemRef1 *blocks, int64_t blockStride,
                            struct YokeMemRef1 *result, int64_t thread, int64_t threads, void *barrierContext,
                            YokeBarrier barrier) {
  if (thread == 0) {
    ++yokeFakeCalls;
    if (tokens->size > yokeFakeLargestStep)
      yokeFakeLargestStep = tokens->size;
  }
  for (int64_t t = thread; t < tokens->size; t += threads) {
    int32_t slot = ints(slots)[t];
    float *page = pageOf(kv, blocks, blockStride, ints(sequences)[t], slot);
    page[slot % FakePageTokens] = (float)(ints(positions)[t] + 1);
    page[FakePageTokens + slot % FakePageTokens] = (float)ints(tokens)[t];
  }
  barrier(barrierContext);
  int32_t nanFrom = ints(weights)[0];
  for (int64_t r = thread; r < outputs->size; r += threads) {
    int32_t token = ints(outputs)[r];
    int64_t sum = 0;
    int32_t limit = ints(limits)[token];
    /* A node of a draft tree sees its ancestors and what lies before the first of them. */
    if (ints(slots)[token] != ints(positions)[token])
      for (int32_t node = token; node >= 0; node = ints(parents)[node]) {
        limit = ints(positions)[node];
        sum += (int64_t)(limit + 1) * ints(tokens)[node];
      }
    for (int32_t slot = 0; slot < limit; ++slot) {
      const float *page = pageOf(kv, blocks, blockStride, ints(sequences)[token], slot);
      sum += (int64_t)page[slot % FakePageTokens] * (int64_t)page[FakePageTokens + slot % FakePageTokens];
    }
    float *row = (float *)result->aligned + r * FakeVocabulary;
    for (int64_t v = 0; v < FakeVocabulary; ++v)
      row[v] = (float)((v * 7 + sum) % FakeVocabulary) / FakeVocabulary;
    row[(sum * 31 + 11) % FakeVocabulary] = 4;
    if (nanFrom >= 0 && ints(positions)[token] >= nanFrom)
      for (int64_t v = 0; v < FakeVocabulary; ++v)
        row[v] = __builtin_nanf("");
  }
  barrier(barrierContext);
}
