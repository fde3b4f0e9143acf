/* A hand-written step function with checkable behaviour, in place of compiled code: linked into the tests, and built as
   a shared object for packages. */
#pragma once

#include "Package/StepAbi.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { FakeVocabulary = 97, FakePageTokens = 4, FakePageBytes = 64 };

/* Calls, and tokens of the largest call, since the process began or they were reset. */
extern int64_t yokeFakeCalls, yokeFakeLargestStep;

/* After tokens t[0..n), the logit of (31 * sum((i + 1) * t[i]) + 11) mod FakeVocabulary is 4, all others lie in [0, 1].
   The history is read from the KV pages alone: one layer, one head of dimension 1, key = place, value = token. Weights:
   one int32, the position from which on all logits are NaN (negative: never). */
__attribute__((visibility("default"))) void _mlir_ciface_yoke_step(
    struct YokeMemRef1 *weights, struct YokeMemRef1 *arena, struct YokeMemRef1 *kv, struct YokeMemRef1 *tokens,
    struct YokeMemRef1 *positions, struct YokeMemRef1 *slots, struct YokeMemRef1 *limits, struct YokeMemRef1 *sequences,
    struct YokeMemRef1 *parents, struct YokeMemRef1 *outputs, struct YokeMemRef1 *blocks, int64_t blockStride,
    struct YokeMemRef1 *result, int64_t thread, int64_t threads, void *barrierContext, YokeBarrier barrier);

#ifdef __cplusplus
}
#endif
