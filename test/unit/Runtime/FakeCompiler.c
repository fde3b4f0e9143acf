/* A compiler library that copies the package $YOKE_FAKE_PACKAGE, and adds a line to $YOKE_FAKE_LOG at each call. */
#include "yoke/compiler.h"
#include "yoke/simulator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int copyFile(const char *from, const char *to) {
  char buffer[4096];
  size_t count;
  FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
  if (!in || !out)
    return 0;
  while ((count = fread(buffer, 1, sizeof buffer, in)) > 0)
    fwrite(buffer, 1, count, out);
  fclose(in);
  return fclose(out) == 0;
}

int yoke_compile(const struct yoke_compile_options *options, char *error_message, size_t error_size) {
  FILE *log = fopen(getenv("YOKE_FAKE_LOG"), "a");
  fprintf(log, "%s|%s|%s\n", options->model_path, options->target ? options->target : "",
          options->weights ? options->weights : "");
  fclose(log);
  if (options->progress)
    options->progress(options->progress_context, "lower", 0.5);
  usleep(200000);
  if (options->weights && strcmp(options->weights, "q1") == 0) {
    snprintf(error_message, error_size, "weights: unknown type \"q1\"");
    return 2;
  }
  if (!copyFile(getenv("YOKE_FAKE_PACKAGE"), options->output_path)) {
    snprintf(error_message, error_size, "cannot copy to %s", options->output_path);
    return 4;
  }
  return 0;
}

const char *yoke_compiler_version(void) {
  const char *version = getenv("YOKE_FAKE_VERSION");
  return version ? version : "fake";
}

int yoke_simulator_create(const struct yoke_simulator_options *options, struct yoke_simulator **simulator,
                          char *error_message, size_t error_size) {
  snprintf(error_message, error_size, "simulates nothing");
  return 1;
}

int yoke_simulator_step(struct yoke_simulator *simulator, const struct yoke_simulator_batch *batch, float *rows,
                        int64_t columns, char *error_message, size_t error_size) {
  return 1;
}

const char *yoke_simulator_work(struct yoke_simulator *simulator) { return "{}"; }

int yoke_simulator_finish(struct yoke_simulator *simulator, char *error_message, size_t error_size) { return 1; }

void yoke_simulator_destroy(struct yoke_simulator *simulator) {}
