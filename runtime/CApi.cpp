#include "yoke/yoke.h"

#include "runtime/Evaluator.h"
#include "runtime/Generator.h"

#include <algorithm>
#include <cstring>
#include <new>

using namespace yoke;

struct yoke_model {
  std::shared_ptr<const Model> model;
};

struct yoke_session {
  std::unique_ptr<Session> session;
};

namespace {

thread_local std::string lastError;

yoke_status report(const Error &error) {
  lastError = error.message;
  return static_cast<yoke_status>(error.kind);
}

yoke_status report(const Status &status) { return status ? YOKE_OK : report(status.error()); }

yoke_status missing(const char *argument) {
  return report(Error{ErrorKind::Usage, std::string(argument) + " must not be NULL"});
}

/// Nothing of the library's exceptions (memory, mostly) may leave through C.
template <class Function> yoke_status guarded(Function &&function) {
  try {
    return function();
  } catch (const std::bad_alloc &) {
    return report(Error{ErrorKind::Resources, "out of memory"});
  } catch (const std::exception &error) {
    return report(Error{ErrorKind::Failed, error.what()});
  }
}

/// The caller's struct as this version knows it: members beyond the caller's size are zero.
template <class Options> Options completed(const Options *given) {
  Options options = {};
  if (given)
    std::memcpy(&options, given, std::min(given->size, sizeof(Options)));
  return options;
}

Result<GenerateRequest> makeRequest(const Model &model, std::vector<int32_t> prompt, const yoke_generate_options &o) {
  GenerationSettings settings;
  if (o.max_tokens != 0)
    settings.maxNewTokens = o.max_tokens;
  if (o.set_sampling) {
    settings.temperature = o.temperature;
    settings.topK = o.top_k;
    settings.topP = o.top_p == 0 ? 1 : o.top_p;
    settings.minP = o.min_p;
  }
  if (o.repetition_penalty != 0)
    settings.repetitionPenalty = o.repetition_penalty;
  settings.seed = o.seed;
  GenerateRequest request;
  request.sampling = YOKE_TRY(resolveSampling(settings, model.generation));
  request.maxNewTokens = resolveMaxNewTokens(settings, model.generation, static_cast<int64_t>(prompt.size()));
  if (request.maxNewTokens < 0)
    return usageError("max_tokens must not be negative, found {}", request.maxNewTokens);
  request.prompt = std::move(prompt);
  request.ignoreEndTokens = o.ignore_eos != 0;
  request.stopStrings = model.generation.stopStrings;
  for (size_t i = 0; i < o.stop_count; ++i)
    request.stopStrings.emplace_back(o.stop[i]);
  return request;
}

yoke_finish_reason finishReason(FinishReason reason) {
  switch (reason) {
  case FinishReason::Stop:
    return YOKE_FINISH_STOP;
  case FinishReason::Cancelled:
    return YOKE_FINISH_CANCELLED;
  default:
    return YOKE_FINISH_LENGTH;
  }
}

} // namespace

const char *yoke_last_error(void) { return lastError.c_str(); }

const char *yoke_version(void) { return YOKE_VERSION; }

yoke_status yoke_model_open(const char *path, const yoke_model_options *options, yoke_model **model) {
  if (!path || !model)
    return missing(path ? "model" : "path");
  return guarded([&] {
    ModelOptions modelOptions;
    modelOptions.mapWeights = completed(options).copy_weights == 0;
    auto opened = Model::open(path, modelOptions);
    if (!opened)
      return report(opened.error());
    *model = new yoke_model{*std::move(opened)};
    return YOKE_OK;
  });
}

void yoke_model_close(yoke_model *model) { delete model; }

int64_t yoke_model_vocabulary_size(const yoke_model *model) { return model->model->manifest.vocabSize; }
int64_t yoke_model_max_positions(const yoke_model *model) { return model->model->manifest.maxPositions; }
int64_t yoke_model_output_columns(const yoke_model *model) { return model->model->manifest.step.outputColumns; }
int yoke_model_generates(const yoke_model *model) { return model->model->generates(); }

yoke_status yoke_tokenize(const yoke_model *model, const char *text, size_t length, int add_special, int32_t *tokens,
                          size_t capacity, size_t *count) {
  if (!model || (!text && length) || !count || (!tokens && capacity))
    return missing("an argument");
  return guarded([&] {
    auto encoded = model->model->tokenize(std::string_view(text, length), add_special != 0);
    if (!encoded)
      return report(encoded.error());
    *count = encoded->size();
    std::copy_n(encoded->begin(), std::min(capacity, encoded->size()), tokens);
    if (encoded->size() > capacity)
      return report(usageError("the text has {} tokens, there is room for {}", encoded->size(), capacity).value());
    return YOKE_OK;
  });
}

yoke_status yoke_detokenize(const yoke_model *model, const int32_t *tokens, size_t count, char *text, size_t capacity,
                            size_t *length) {
  if (!model || (!tokens && count) || !length || (!text && capacity))
    return missing("an argument");
  return guarded([&] {
    const Model &opened = *model->model;
    if (!opened.tokenizer)
      return report(Error{ErrorKind::Failed, opened.path + ": has no tokenizer"});
    if (Status valid = opened.checkTokens({tokens, count}); !valid)
      return report(valid);
    std::string decoded = opened.tokenizer->decode({tokens, count}, /*skipSpecial=*/true);
    *length = decoded.size();
    std::copy_n(decoded.data(), std::min(capacity, decoded.size()), text);
    if (decoded.size() < capacity)
      text[decoded.size()] = 0;
    if (decoded.size() > capacity)
      return report(usageError("the text has {} bytes, there is room for {}", decoded.size(), capacity).value());
    return YOKE_OK;
  });
}

yoke_status yoke_session_create(yoke_model *model, const yoke_session_options *options, yoke_session **session) {
  if (!model || !session)
    return missing(model ? "session" : "model");
  return guarded([&] {
    yoke_session_options given = completed(options);
    if (given.kv_tokens < 0)
      return report(usageError("kv_tokens must not be negative, found {}", given.kv_tokens).value());
    auto created = Session::create(model->model, {given.threads, given.pin_threads != 0, given.kv_tokens});
    if (!created)
      return report(created.error());
    *session = new yoke_session{*std::move(created)};
    return YOKE_OK;
  });
}

void yoke_session_destroy(yoke_session *session) { delete session; }

yoke_status yoke_generate(yoke_session *session, const int32_t *prompt, size_t count,
                          const yoke_generate_options *options, yoke_token_callback callback, void *context,
                          yoke_generate_result *result) {
  if (!session || (!prompt && count))
    return missing(session ? "prompt" : "session");
  return guarded([&] {
    yoke_generate_options given = completed(options);
    if (given.stop_count && !given.stop)
      return missing("stop");
    auto request = makeRequest(session->session->model(), {prompt, prompt + count}, given);
    if (!request)
      return report(request.error());
    TokenCallback onToken;
    if (callback)
      onToken = [&](int32_t token, std::string_view text) {
        return callback(context, token, text.data(), text.size()) == 0;
      };
    auto generated = generate(*session->session, *std::move(request), onToken);
    if (!generated)
      return report(generated.error());
    if (result) {
      yoke_generate_result values = {result->size, finishReason(generated->finishReason),
                                     generated->stats.generatedTokens, generated->stats.prefillSeconds,
                                     generated->stats.decodeSeconds};
      std::memcpy(result, &values, std::min(result->size, sizeof values));
    }
    return YOKE_OK;
  });
}

yoke_status yoke_logits(yoke_session *session, const int32_t *tokens, size_t count, float *logits) {
  if (!session || !tokens || !logits)
    return missing("an argument");
  return guarded([&] {
    return report(
        evaluateLogits(*session->session, {tokens, count}, 0, [&](int64_t token, std::span<const float> row) -> Status {
          std::ranges::copy(row, logits + token * static_cast<int64_t>(row.size()));
          return {};
        }));
  });
}

yoke_status yoke_embed(yoke_session *session, const int32_t *tokens, const size_t *lengths, size_t texts,
                       float *embeddings) {
  if (!session || !tokens || !lengths || !embeddings)
    return missing("an argument");
  return guarded([&] {
    std::vector<std::vector<int32_t>> lists;
    for (size_t i = 0; i < texts; tokens += lengths[i++])
      lists.emplace_back(tokens, tokens + lengths[i]);
    auto rows = embed(*session->session, lists);
    if (!rows)
      return report(rows.error());
    std::ranges::copy(*rows, embeddings);
    return YOKE_OK;
  });
}
