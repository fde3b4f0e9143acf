/* What compiled code looks like to the runtime: one C function that runs a model on one step's tokens. C99, so that
 * generated code, the runtime and other embedders share it. */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* MLIR's C interface of memref<?xT>. Element i is ((T *)aligned)[offset + i * stride]. The step expects offset 0 and
 * stride 1. */
struct YokeMemRef1 {
  void *allocated;
  void *aligned;
  int64_t offset;
  int64_t size; /* in elements */
  int64_t stride;
};

/* The exported name of the step function. */
#define YOKE_STEP_SYMBOL "_mlir_ciface_yoke_step"

/* Blocks until every thread of the team has called it. */
typedef void (*YokeBarrier)(void *context);

// clang-format off
/* Called by all `threads` threads of a team at once, with the same arguments but `thread` in [0, threads); the code
   divides the work by thread and meets at the barrier. All arrays are contiguous; those of T elements are int32 and
   T <= step.max_tokens of the manifest.

     weights    i8, the package's `weights` section, at least 64-byte aligned, read only
     arena      i8, 64-byte aligned, at least arena_bytes + threads * arena_bytes_per_thread; contents need not survive but
                for those of the manifest's records, see below
     kv         i8, all pages: page p starts at p * page_bytes; size 0 when page_bytes is 0
     tokens     [T] token ids in [0, vocab_size)
     positions  [T] position in its sequence: drives rotary and learned position embeddings and windows
     slots      [T] KV slot of its sequence that this token's key and value are written to
     limits     [T] leading KV slots of its sequence that it may see, its own included (causal chain: slot + 1;
                encoder: length of the sequence)
     sequences  [T] row of the block table
     parents    [T] index in this step of the parent token, -1 when that is the committed prefix
     outputs    [R] indices of the tokens whose output row is wanted; R may be 0
     blocks     [S * blockStride] page number of block i of sequence s at [s * blockStride + i]; slot n lies in block
                n / page_tokens
     result     f32 [R * output_columns], row r for outputs[r]; with feature_columns of the manifest's step, behind
                them f32 [T * feature_columns]: for each token what draft heads go on from

   A draft tree below n committed slots lists parents before children, its i-th node in slot n + i, at position n + depth.
   A node whose slot is not its position sees the committed slots and its ancestors through `parents`, whatever its
   limit; its row equals, to the last bit, the row that its branch decoded alone would give.

   Task "embed": no KV; a sequence's tokens are contiguous, limits are its length, slots the index within it; `outputs`
   has one entry for each sequence, the index of its first token, and `result` one row for each.

   At the places that the manifest's `records` tell, the arena holds numbers for the runtime. "skipped_ffn_rows" (one i64) and
   "expert_load" (one i64 an expert) are sums: a step adds the rows that skipped the layer's feed-forward block, or that an
   expert of the layer computed. "ffn_cosines" (f32) are of the last step: of each token's row, the cosine before and after
   the layer's feed-forward block.

   In a page of P = page_tokens tokens, each layer of the manifest's kv_layers has keys [heads][head_dim][P] at key_offset
   and values [heads][P][head_dim] at value_offset, f32 or, with element_bytes 2, 16-bit floats. */
// clang-format on
typedef void (*YokeStepFunction)(struct YokeMemRef1 *weights, struct YokeMemRef1 *arena, struct YokeMemRef1 *kv,
                                 struct YokeMemRef1 *tokens, struct YokeMemRef1 *positions, struct YokeMemRef1 *slots,
                                 struct YokeMemRef1 *limits, struct YokeMemRef1 *sequences, struct YokeMemRef1 *parents,
                                 struct YokeMemRef1 *outputs, struct YokeMemRef1 *blocks, int64_t blockStride,
                                 struct YokeMemRef1 *result, int64_t thread, int64_t threads, void *barrierContext,
                                 YokeBarrier barrier);

/* The exported name of a function NAME of draft heads is this and NAME. */
#define YOKE_DRAFT_SYMBOL_PREFIX "_mlir_ciface_yoke_"

/* A function of draft heads: as the step, with an arena and pages of its own, but for
     features   f32 [T * D], rows that it goes on from: of the step, or of another function of the heads
     tokens     as many ids as it takes for each row of features, those of row t at t * N .. ; T ids where it takes none
     result     f32, its results one behind the other; rows as StepAbi's `outputs` say for logits of a layer that
                goes on, else for each row of features
   See importHeads for what functions there are and what they return. */
typedef void (*YokeDraftFunction)(struct YokeMemRef1 *weights, struct YokeMemRef1 *arena, struct YokeMemRef1 *kv,
                                  struct YokeMemRef1 *tokens, struct YokeMemRef1 *positions, struct YokeMemRef1 *slots,
                                  struct YokeMemRef1 *limits, struct YokeMemRef1 *sequences,
                                  struct YokeMemRef1 *parents, struct YokeMemRef1 *outputs, struct YokeMemRef1 *blocks,
                                  int64_t blockStride, struct YokeMemRef1 *features, struct YokeMemRef1 *result,
                                  int64_t thread, int64_t threads, void *barrierContext, YokeBarrier barrier);

#ifdef __cplusplus
}
#endif
