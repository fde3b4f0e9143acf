/* The C interface as a C program sees it: open, tokenize, generate with a callback, evaluate, errors. */
#include "yoke/yoke.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                                               \
  do {                                                                                                                 \
    if (!(condition)) {                                                                                                \
      fprintf(stderr, "%s:%d: %s (last error: %s)\n", __FILE__, __LINE__, #condition, yoke_last_error());              \
      return 1;                                                                                                        \
    }                                                                                                                  \
  } while (0)

struct collected {
  int32_t tokens[64];
  int count;
  int limit;
  char text[256];
};

static int collect(void *context, int32_t token, const char *text, size_t length) {
  struct collected *all = context;
  if (token >= 0)
    all->tokens[all->count++] = token;
  strncat(all->text, text, length);
  return all->limit && all->count >= all->limit;
}

/* Returns 0 when all is well. `path` is a package made by writeFakePackage. */
int yokeCApiTest(const char *path) {
  yoke_model *model = NULL;
  CHECK(yoke_model_open("/nonexistent.yoke", NULL, &model) == YOKE_MALFORMED && model == NULL);
  CHECK(strstr(yoke_last_error(), "/nonexistent.yoke"));
  CHECK(yoke_model_open(NULL, NULL, &model) == YOKE_USAGE);
  CHECK(yoke_model_open(path, NULL, &model) == YOKE_OK);
  CHECK(yoke_model_vocabulary_size(model) == 97 && yoke_model_max_positions(model) == 64);
  CHECK(yoke_model_output_columns(model) == 97 && yoke_model_generates(model) == 1);

  int32_t ids[8];
  size_t count = 0;
  CHECK(yoke_tokenize(model, "abc", 3, 1, ids, 8, &count) == YOKE_OK && count == 3 && ids[0] == 65);
  CHECK(yoke_tokenize(model, "abc", 3, 1, ids, 2, &count) == YOKE_USAGE && count == 3);
  char text[16];
  size_t length = 0;
  CHECK(yoke_detokenize(model, ids, 3, text, sizeof text, &length) == YOKE_OK && strcmp(text, "abc") == 0 &&
        length == 3);
  int32_t outside = 97;
  CHECK(yoke_detokenize(model, &outside, 1, text, sizeof text, &length) == YOKE_MALFORMED);

  yoke_session *session = NULL;
  yoke_session_options session_options = {sizeof session_options, 2, 0, 0};
  CHECK(yoke_session_create(model, &session_options, &session) == YOKE_OK);
  yoke_model_close(model); /* the session keeps it alive */

  struct collected all = {0};
  yoke_generate_options options = {0};
  options.size = sizeof options;
  options.max_tokens = 10;
  yoke_generate_result result = {0};
  result.size = sizeof result;
  CHECK(yoke_generate(session, ids, 3, &options, collect, &all, &result) == YOKE_OK);
  CHECK(result.finish_reason == YOKE_FINISH_LENGTH && result.generated_tokens == 10 && all.count == 10);
  CHECK(all.tokens[0] == (31 * (65 + 2 * 66 + 3 * 67) + 11) % 97);

  struct collected some = {0};
  some.limit = 4;
  CHECK(yoke_generate(session, ids, 3, &options, collect, &some, &result) == YOKE_OK);
  CHECK(result.finish_reason == YOKE_FINISH_CANCELLED && some.count == 4);
  CHECK(memcmp(some.tokens, all.tokens, 4 * sizeof(int32_t)) == 0);

  options.set_sampling = 1;
  options.temperature = -1;
  CHECK(yoke_generate(session, ids, 3, &options, NULL, NULL, NULL) == YOKE_USAGE);
  CHECK(yoke_generate(session, ids, 0, NULL, NULL, NULL, NULL) == YOKE_MALFORMED);

  float *logits = malloc(3 * 97 * sizeof(float));
  CHECK(yoke_logits(session, ids, 3, logits) == YOKE_OK);
  CHECK(logits[2 * 97 + all.tokens[0]] == 4);
  free(logits);
  size_t lengths[] = {3};
  float embedding[97];
  CHECK(yoke_embed(session, ids, lengths, 1, embedding) == YOKE_MALFORMED);
  yoke_session_destroy(session);
  yoke_session_destroy(NULL);
  yoke_model_close(NULL);
  return 0;
}
