/* Interface of the compiler library (libYokeCompiler.so), which tools load only when something has to be compiled. */
#ifndef YOKE_COMPILER_H
#define YOKE_COMPILER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Strings are UTF-8 or bytes of a path; NULL or "" means the default. The caller sets `size` to
   sizeof(struct yoke_compile_options); members beyond it count as zero. */
struct yoke_compile_options {
  size_t size;
  const char *model_path;   /* checkpoint folder or .mlir file; required */
  const char *output_path;  /* package, or text with `emit`; NULL with `emit`: standard output */
  const char *target;       /* "cpu", "cpu:native", "cpu:x86-64-v3", ..., or a JSON file; default "cpu:native" */
  const char *weights;      /* "f32", "bf16", "f16", "q8", "q4", "q4-plain", "q4-asymmetric"; default: as stored */
  const char *emit;         /* NULL: a package; else "llm", "linalg", "llvm", ...: text of that stage; "timed-code":
                               a shared object whose step tells when each kernel begins (passes/LowerCpu/StepTimers.h) */
  const char *remarks_path; /* YAML file for placement and fusion decisions */
  const char *save_temps;   /* folder for intermediate files */
  int print_ir_after_stage; /* non-zero: print the IR after each stage to standard error */
  int64_t max_step_tokens;  /* tokens of the largest step; 0: the compiler's default */
  /* Called from time to time with the running phase and its done part in [0, 1]; may be NULL. */
  void (*progress)(void *context, const char *phase, double fraction);
  void *progress_context;
  const char *activations; /* "i8", "i16", "bf16": what activations are rounded to before products; default: "i8" where
                              weights are quantised, else as they are */
  const char *step;        /* with a JSON target: the class of steps, SEQUENCESxTOKENS; default: the usual ones */
  int64_t context;         /* with a JSON target: tokens of a sequence in the KV cache; 0: 1024 */
  const char *kv_cache; /* "f32", "bf16", "f16": what keys and values are kept as; default: as in the program, which is
                           "f32" for a checkpoint */
  const char *draft;    /* what the package guesses with: "medusa:FOLDER", "hydra:FOLDER", "eagle:FOLDER": draft heads
                           beside the model, "medusa": heads in its own checkpoint; "none", "prompt-lookup:n=3", ...: a
                           compiled generation loop; NULL: neither */
  const char *probe; /* the name of an RMS norm's weight: the package's step gives, for every token, that norm's input
                        and result side by side instead of logits; NULL: logits */
  const char *ffn_skip; /* a policy of `yoke calibrate ffn-skip` or its file; "record": no skips, but the similarities
                           that such a policy is made of; default: "off" */
  const char *tuning;   /* a file of `yoke tune` whose choices for the target's kernels are used; NULL: none */
};

/* Compiles. Returns 0, or on failure 1 (failed), 2 (wrong options), 3 (malformed input), 4 (out of resources), after
   writing one line, cut to `error_size` bytes and always terminated, to `error_message`. An output file appears whole
   or not at all. */
int yoke_compile(const struct yoke_compile_options *options, char *error_message, size_t error_size);

/* Identifies the compiler for caches: differs whenever the same input may compile to another package. Static string. */
const char *yoke_compiler_version(void);

#ifdef __cplusplus
}
#endif

#endif
