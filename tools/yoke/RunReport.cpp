#include "RunReport.h"

#include "Console.h"
#include "Support/Json.h"
#include "Support/Text.h"

#include <cmath>

namespace yoke::cli {
namespace {

/// JSON has no infinities; log-probability of an impossible token.
Json finiteOrNull(float value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json tokenJson(const Model &model, const TokenLogprob &entry) {
  Json json = {{"token_id", entry.token}, {"logprob", finiteOrNull(entry.logprob)}};
  if (model.tokenizer) {
    const int32_t ids[] = {entry.token};
    json["token"] = model.tokenizer->decode(ids, /*skipSpecial=*/false);
  }
  return json;
}

Json logprobsJson(const Model &model, const std::vector<PositionLogprobs> &positions) {
  Json list = Json::array();
  for (const PositionLogprobs &position : positions) {
    Json entry = tokenJson(model, position.chosen);
    entry["top"] = Json::array();
    for (const TokenLogprob &top : position.top)
      entry["top"].push_back(tokenJson(model, top));
    list.push_back(std::move(entry));
  }
  return list;
}

} // namespace

std::string RunReport::json(const Model &model) const {
  const GenerateStats &s = result.stats;
  Json object = {
      {"text", result.text},
      {"token_ids", result.tokens},
      {"prompt_token_ids", promptTokens},
      {"finish_reason", finishReasonName(result.finishReason)},
      {"seed", seed},
      {"stats",
       {{"prompt_tokens", s.promptTokens},
        {"generated_tokens", s.generatedTokens},
        {"model_calls", s.modelCalls},
        {"tokens_per_call", s.tokensPerCall()},
        {"accepted_histogram", Json::array()},
        {"skipped_ffn_fraction", 0.0},
        {"expert_load", Json::array()},
        {"load_s", model.loadSeconds},
        {"prefill_s", s.prefillSeconds},
        {"decode_s", s.decodeSeconds},
        {"prefill_tokens_per_s", s.prefillTokensPerSecond()},
        {"decode_tokens_per_s", s.decodeTokensPerSecond()},
        {"peak_memory_bytes", peakMemoryBytes()}}},
  };
  if (withLogprobs)
    object["logprobs"] = logprobsJson(model, result.logprobs);
  return dumpJson(object) + "\n";
}

std::string RunReport::summary(const Model &model) const {
  const GenerateStats &s = result.stats;
  return fmt::format("load {:.3f} s; prefill {} tokens in {:.3f} s ({:.1f} t/s); decode {} tokens in {:.3f} s ({:.1f} "
                     "t/s); {}; peak memory {} MiB",
                     model.loadSeconds, s.promptTokens, s.prefillSeconds, s.prefillTokensPerSecond(), s.generatedTokens,
                     s.decodeSeconds, s.decodeTokensPerSecond(), finishReasonName(result.finishReason),
                     peakMemoryBytes() >> 20);
}

} // namespace yoke::cli
