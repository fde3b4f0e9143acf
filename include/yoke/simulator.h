/* The simulated NPU and PIM, part of the compiler library (libYokeCompiler.so): steps of a checkpoint's model with
   values and cycles. */
#ifndef YOKE_SIMULATOR_H
#define YOKE_SIMULATOR_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct yoke_simulator;

/* Strings as in yoke_compile_options. The caller sets `size`; members beyond it count as zero. */
struct yoke_simulator_options {
  size_t size;
  const char *model_path;    /* checkpoint folder; required */
  const char *system;        /* a built-in target's name or the path of its description; default "neupims" */
  const char *weights;       /* "f32", "bf16", "f16"; default: as stored. They are rounded to fp16 afterwards. */
  const char *commands_path; /* where yoke_simulator_finish writes the commands of all channels; default: nowhere */
};

/* Tokens of one step; the arrays mean what the compiled step's of the same names mean. `sequences` are numbers by which
   sequences are known from step to step. */
struct yoke_simulator_batch {
  size_t size;
  int64_t token_count, output_count;
  const int32_t *tokens, *positions, *slots, *limits, *sequences, *parents; /* token_count each */
  const int32_t *outputs;                                                   /* output_count */
};

/* All functions return 0 or an error code as yoke_compile does, with a line in `error_message`. */
int yoke_simulator_create(const struct yoke_simulator_options *options, struct yoke_simulator **simulator,
                          char *error_message, size_t error_size);
/* Writes output_count rows of logits, one after another; `columns` is the length of a row. */
int yoke_simulator_step(struct yoke_simulator *simulator, const struct yoke_simulator_batch *batch, float *rows,
                        int64_t columns, char *error_message, size_t error_size);
/* What the device has done so far as a JSON object; the string lives until the next call. */
const char *yoke_simulator_work(struct yoke_simulator *simulator);
/* Writes the command trace, where one was asked for. */
int yoke_simulator_finish(struct yoke_simulator *simulator, char *error_message, size_t error_size);
void yoke_simulator_destroy(struct yoke_simulator *simulator);

#ifdef __cplusplus
}
#endif

#endif
