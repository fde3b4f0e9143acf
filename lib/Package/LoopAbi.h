/* What a compiled generation loop looks like to the runtime: it decides what happens when, calls the step, walks the
 * tree of guesses and keeps its arrays; the host, through hooks, knows the text, the drafter's tables and the KV cache.
 * C99, as StepAbi.h. */
#pragma once

#include "Package/StepAbi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The exported names of the loops: tokens chosen by the host from rows of logits, and greedily by the loop itself. */
#define YOKE_LOOP_SYMBOL "_mlir_ciface_yoke_generate"
#define YOKE_GREEDY_LOOP_SYMBOL "_mlir_ciface_yoke_generate_greedy"

/* `state` holds single numbers and behind them arrays of `capacity` elements each: array a begins at element
   YOKE_LOOP_WORDS + a * capacity. Node 0 of a tree is the last token of the text; parents come before children. */
enum {
  YOKE_LOOP_COMMITTED = 0, /* slots in the cache, those of all tokens of the text but the last */
  YOKE_LOOP_NODES = 1,     /* of this step's tree, the root included; 0: the loop ends */
  YOKE_LOOP_ACCEPTED = 2,  /* nodes of the path */
  YOKE_LOOP_MAX_DEPTH = 3, /* edges that a path of guesses may have in this step */
  YOKE_LOOP_WORDS = 16
};
enum {
  YOKE_LOOP_TOKENS = 0,
  YOKE_LOOP_PARENTS = 1, /* of a node, -1 for the root */
  YOKE_LOOP_DEPTHS = 2,
  YOKE_LOOP_POSITIONS = 3, /* this and the next four: arrays of the step */
  YOKE_LOOP_SLOTS = 4,
  YOKE_LOOP_LIMITS = 5,
  YOKE_LOOP_SEQUENCES = 6,
  YOKE_LOOP_OUTPUTS = 7,
  YOKE_LOOP_PATH = 8,   /* accepted nodes, the root first */
  YOKE_LOOP_PLACES = 9, /* of the nodes of a fixed tree in this step's tree, -1 for those that it is without */
  YOKE_LOOP_ARRAYS = 10
};

/* Hooks are called by thread 0 alone, between steps. */
typedef int64_t (*YokeLoopHook)(void *host, int64_t argument);

// clang-format off
struct YokeLoopHooks {
  /* A step begins, on a tree of the root and of nodes that the loop adds itself; `argument` is how many nodes it would like. Writes COMMITTED,
     MAX_DEPTH, the root's token, parent and depth, and `blocks`; returns the number of nodes that have slots, 0 to end the loop. */
  YokeLoopHook begin;
  /* The same, and writes a whole tree of at most `argument` nodes (tokens, parents, depths); returns its nodes. */
  YokeLoopHook draft;
  /* The rows of all nodes are there; `argument` is how many best tokens each has in `values` and `ids`, 0 when `rows` holds all
     logits. */
  YokeLoopHook learn;
  /* Chooses a token from the row of node `argument`, and adds it to the text. Returns it; -1 when the text has ended with
     it, or it could not be chosen. Overwrites the row. */
  YokeLoopHook choose;
  /* Adds token `argument` to the text: -1 stands for a row that holds NaN, -2 for one without any finite logit. Returns it, or -1
     as `choose`. */
  YokeLoopHook add;
  /* ACCEPTED nodes of the path are kept (`argument`, too): their keys and values go to the slots from COMMITTED on. */
  YokeLoopHook commit;
  /* The tree of `argument` nodes led the model to NaN: forget it, and take a step with the root alone. */
  YokeLoopHook drop;
};

/* Called by all threads of a team at once, as a step; `weights`, `arena`, `kv` are those of a step. Runs until a hook ends it.

     state    i8, 64-byte aligned: i32 [YOKE_LOOP_WORDS + YOKE_LOOP_ARRAYS * capacity], zeroed before
     blocks   i32 [pages of the longest text and a tree], page numbers of the sequence
     rows     f32 [capacity * columns], columns the vocabulary, or the best tokens of a greedy loop
     ids      i32 [capacity * best tokens] of a greedy loop
     table    i32 pairs [vocab_size * 8 * 2], the successors of each token and what is noted of them; for loops that walk it */
// clang-format on
typedef void (*YokeLoopFunction)(struct YokeMemRef1 *weights, struct YokeMemRef1 *arena, struct YokeMemRef1 *kv,
                                 struct YokeMemRef1 *state, struct YokeMemRef1 *blocks, struct YokeMemRef1 *rows,
                                 struct YokeMemRef1 *ids, struct YokeMemRef1 *table, void *host,
                                 const struct YokeLoopHooks *hooks, int64_t thread, int64_t threads,
                                 void *barrierContext, YokeBarrier barrier);

#ifdef __cplusplus
}
#endif
