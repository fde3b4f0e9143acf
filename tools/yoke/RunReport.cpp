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

/// Time of the same tokens one a step against the time taken.
double estimatedSpeedup(const SpeculationReport &speculation, const GenerateStats &stats) {
  return stats.decodeSeconds > 0 && stats.generatedTokens > 1
             ? static_cast<double>(stats.generatedTokens - 1) * speculation.plainStepSeconds / stats.decodeSeconds
             : 1;
}

Json beamsJson(const Model &model, const std::vector<Hypothesis> &beams) {
  Json list = Json::array();
  for (const Hypothesis &beam : beams) {
    Json entry = {{"token_ids", beam.tokens}, {"score", beam.score}};
    if (model.tokenizer)
      entry["text"] = model.tokenizer->decode(beam.tokens, /*skipSpecial=*/true);
    list.push_back(std::move(entry));
  }
  return list;
}

Json histogramJson(const GenerateStats &stats) {
  return stats.speculation ? Json(stats.speculation->histogram) : Json::array();
}

Json expertLoadJson(const ConditionalStats &stats) {
  Json list = Json::array();
  for (const ConditionalStats::LayerLoad &layer : stats.expertLoad)
    list.push_back({{"layer", layer.layer}, {"rows", layer.rows}});
  return list;
}

Json speculationJson(const SpeculationReport &report, const GenerateStats &stats) {
  const SpeculationStats &s = *stats.speculation;
  return {{"drafter", report.drafter},
          {"drafts", s.drafts},
          {"guesses", s.guesses},
          {"accepted", s.accepted},
          {"acceptance", s.acceptance()},
          {"draft_s", s.draftSeconds},
          {"plain_step_s", report.plainStepSeconds},
          {"speedup_estimate", estimatedSpeedup(report, stats)}};
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
        {"compiled_loop", s.compiledLoop},
        {"accepted_histogram", histogramJson(s)},
        {"skipped_ffn_fraction", conditional.skippedFfnFraction(model.manifest.layers)},
        {"expert_load", expertLoadJson(conditional)},
        {"load_s", model.loadSeconds},
        {"prefill_s", s.prefillSeconds},
        {"decode_s", s.decodeSeconds},
        {"prefill_tokens_per_s", s.prefillTokensPerSecond()},
        {"decode_tokens_per_s", s.decodeTokensPerSecond()},
        {"peak_memory_bytes", peakMemoryBytes()}}},
  };
  if (speculation && s.speculation)
    object["stats"]["speculation"] = speculationJson(*speculation, s);
  if (!simulated.empty())
    object["stats"]["simulated"] = Json::parse(simulated);
  if (!beams.empty())
    object["beams"] = beamsJson(model, beams);
  if (withLogprobs)
    object["logprobs"] = logprobsJson(model, result.logprobs);
  return dumpJson(object) + "\n";
}

std::string RunReport::summary(const Model &model) const {
  const GenerateStats &s = result.stats;
  std::string guesses;
  if (speculation && s.speculation)
    guesses = fmt::format("{}: {:.2f} tokens a call, {:.0f} % of {} guesses accepted, about {:.2f}x plain decoding; ",
                          speculation->drafter, s.tokensPerCall(), 100 * s.speculation->acceptance(),
                          s.speculation->guesses, estimatedSpeedup(*speculation, s));
  std::string device;
  if (!simulated.empty()) {
    Json work = Json::parse(simulated);
    device = fmt::format("simulated: {} cycles, {:.3f} ms, {:.1f} mJ; ", work["cycles"].get<int64_t>(),
                         work["time_s"].get<double>() * 1e3, work["energy_j"].get<double>() * 1e3);
  }
  return fmt::format(
      "{}load {:.3f} s; prefill {} tokens in {:.3f} s ({:.1f} t/s); decode {} tokens in {:.3f} s ({:.1f} "
      "t/s); {}{}; peak memory {} MiB",
      device, model.loadSeconds, s.promptTokens, s.prefillSeconds, s.prefillTokensPerSecond(), s.generatedTokens,
      s.decodeSeconds, s.decodeTokensPerSecond(), guesses, finishReasonName(result.finishReason),
      peakMemoryBytes() >> 20);
}

} // namespace yoke::cli
