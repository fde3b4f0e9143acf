/* Yoke's C interface: open a compiled package, generate, evaluate, embed.

   Handles are opaque. A model is immutable and may be used by several threads and sessions at once; a session runs one
   call at a time. Functions return a yoke_status; after a failure yoke_last_error() describes it for the calling thread
   in one line. Sizes are in elements unless said otherwise. Structs begin with `size`, which the caller sets to the
   sizeof it was compiled with: members that a caller does not know count as zero, which always means the default. */
#ifndef YOKE_YOKE_H
#define YOKE_YOKE_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define YOKE_API
#else
#define YOKE_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum yoke_status {
  YOKE_OK = 0,
  YOKE_FAILED = 1,    /* the work could not be done */
  YOKE_USAGE = 2,     /* an argument is wrong */
  YOKE_MALFORMED = 3, /* an input breaks its format's rules, or does not fit this machine or model */
  YOKE_RESOURCES = 4  /* the system refused memory, threads or a file */
} yoke_status;

typedef struct yoke_model yoke_model;
typedef struct yoke_session yoke_session;

/* Of the last failed call of this thread; valid until the thread's next call. Never NULL. */
YOKE_API const char *yoke_last_error(void);
/* "0.1.0" */
YOKE_API const char *yoke_version(void);

/* ---- Models ---- */

typedef struct yoke_model_options {
  size_t size;
  int copy_weights; /* non-zero: read the weights into memory instead of mapping the file */
} yoke_model_options;

/* Opens a package. It contains native code that runs with the caller's rights: open only packages that you trust.
   `options` may be NULL. */
YOKE_API yoke_status yoke_model_open(const char *path, const yoke_model_options *options, yoke_model **model);
/* Sessions keep their model alive; NULL is allowed. */
YOKE_API void yoke_model_close(yoke_model *model);

YOKE_API int64_t yoke_model_vocabulary_size(const yoke_model *model);
YOKE_API int64_t yoke_model_max_positions(const yoke_model *model);
/* Values of one output row: the vocabulary size, or the embedding's width. */
YOKE_API int64_t yoke_model_output_columns(const yoke_model *model);
/* 1: generates text; 0: embeds. */
YOKE_API int yoke_model_generates(const yoke_model *model);

/* Tokens of `length` bytes of UTF-8. Writes at most `capacity` ids to `tokens` and the full number to `count`
   (YOKE_USAGE when it does not fit). `add_special` adds the tokenizer's own begin and end tokens. */
YOKE_API yoke_status yoke_tokenize(const yoke_model *model, const char *text, size_t length, int add_special,
                                   int32_t *tokens, size_t capacity, size_t *count);
/* Text of tokens, without special ones. Writes at most `capacity` bytes, with a terminating NUL when there is room, and
   the full number of bytes, NUL not counted, to `length` (YOKE_USAGE when it does not fit). */
YOKE_API yoke_status yoke_detokenize(const yoke_model *model, const int32_t *tokens, size_t count, char *text,
                                     size_t capacity, size_t *length);

/* ---- Sessions ---- */

typedef struct yoke_session_options {
  size_t size;
  int threads;       /* 0: one per available core, fewer for small models */
  int pin_threads;   /* non-zero: bind each thread to a CPU */
  int64_t kv_tokens; /* capacity of the key-value cache; 0: the model's max_positions */
} yoke_session_options;

YOKE_API yoke_status yoke_session_create(yoke_model *model, const yoke_session_options *options,
                                         yoke_session **session);
YOKE_API void yoke_session_destroy(yoke_session *session);

/* ---- Generation ---- */

/* Called with each generated token and the text that became certain with it: `text` is valid UTF-8 of `length` bytes,
   not terminated, perhaps empty. A last call may carry remaining text with token -1. Non-zero cancels. */
typedef int (*yoke_token_callback)(void *context, int32_t token, const char *text, size_t length);

typedef struct yoke_generate_options {
  size_t size;
  int64_t max_tokens;       /* 0: the package's generation config, else 256 */
  int set_sampling;         /* 0: the package's generation config decides; 1: the four members below hold */
  float temperature;        /* 0: greedy */
  int32_t top_k;            /* 0: off */
  float top_p;              /* 0 or 1: off */
  float min_p;              /* 0: off */
  float repetition_penalty; /* 0: the package's generation config, else 1 */
  uint64_t seed;
  int ignore_eos;          /* non-zero: go on after an end token */
  const char *const *stop; /* stop strings; the text ends before the first match */
  size_t stop_count;
} yoke_generate_options;

typedef enum yoke_finish_reason {
  YOKE_FINISH_STOP = 1,
  YOKE_FINISH_LENGTH = 2,
  YOKE_FINISH_CANCELLED = 3
} yoke_finish_reason;

typedef struct yoke_generate_result {
  size_t size;
  yoke_finish_reason finish_reason;
  int64_t generated_tokens;
  double prefill_seconds;
  double decode_seconds;
} yoke_generate_result;

/* Generates after `count` prompt tokens. `options` and `result` may be NULL. */
YOKE_API yoke_status yoke_generate(yoke_session *session, const int32_t *prompt, size_t count,
                                   const yoke_generate_options *options, yoke_token_callback callback, void *context,
                                   yoke_generate_result *result);

/* ---- Evaluation ---- */

/* Logits after each of `count` tokens of one text: `logits` has room for count * output_columns floats, row by row. */
YOKE_API yoke_status yoke_logits(yoke_session *session, const int32_t *tokens, size_t count, float *logits);

/* One embedding per text. `tokens` holds all texts one after another, `lengths` their token counts; `embeddings` has
   room for texts * output_columns floats. */
YOKE_API yoke_status yoke_embed(yoke_session *session, const int32_t *tokens, const size_t *lengths, size_t texts,
                                float *embeddings);

#ifdef __cplusplus
}
#endif

#endif
