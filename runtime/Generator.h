// Text generation: one request's state (Generation) and the loop that drives it (generate). A Generation only adds its
// tokens to a step and takes its rows of the result, so that one loop can serve many of them in one step.
#pragma once

#include "runtime/Constraint/Constraint.h"
#include "runtime/Sampler.h"
#include "runtime/Session.h"
#include "runtime/Speculation/Speculation.h"
#include "runtime/StopMatcher.h"

#include <atomic>
#include <functional>
#include <optional>

namespace yoke {

enum class FinishReason { Unfinished, Stop, Length, Cancelled };
std::string_view finishReasonName(FinishReason reason);

struct GenerateRequest {
  std::vector<int32_t> prompt;
  int64_t maxNewTokens = defaultMaxNewTokens;
  SamplingOptions sampling;
  std::vector<std::string> stopStrings;
  bool ignoreEndTokens = false;
  /// What the text is restricted to; absent: nothing. It ends where nothing else may follow.
  std::shared_ptr<Constraint> constraint;
  /// Most probable tokens to report per position; absent: no log-probabilities at all.
  std::optional<int32_t> logprobs;
  /// When set, sees each row of logits [vocab] that a token is chosen from, as the model gave it.
  std::function<void(std::span<const float> logits)> onLogits;
};

/// Errors: Malformed (empty or too long prompt, token outside the vocabulary, stop strings without a tokenizer), Failed
/// (the model does not generate).
Status checkRequest(const Model &model, const GenerateRequest &request);

struct GenerateStats {
  int64_t promptTokens = 0;
  int64_t generatedTokens = 0;
  int64_t modelCalls = 0;
  int64_t samplingCalls = 0; ///< model calls that yielded tokens
  double prefillSeconds = 0; ///< until the first token is chosen
  double decodeSeconds = 0;  ///< from then on
  /// Absent without speculation.
  std::optional<SpeculationStats> speculation;

  double prefillTokensPerSecond() const { return prefillSeconds > 0 ? promptTokens / prefillSeconds : 0; }
  double decodeTokensPerSecond() const {
    return decodeSeconds > 0 && generatedTokens > 1 ? (generatedTokens - 1) / decodeSeconds : 0;
  }
  double tokensPerCall() const { return samplingCalls ? double(generatedTokens) / samplingCalls : 0; }
};

struct GenerateResult {
  std::vector<int32_t> tokens; ///< generated, an end token included
  std::string text;            ///< valid UTF-8 without special tokens, cut before a stop string
  FinishReason finishReason = FinishReason::Unfinished;
  std::vector<PositionLogprobs> logprobs; ///< one per generated token, when asked
  GenerateStats stats;
};

/// Called with each generated token and the text that became certain with it (perhaps none). The last call may carry
/// remaining text and token -1. Returning false cancels.
using TokenCallback = std::function<bool(int32_t token, std::string_view text)>;

class Generation {
public:
  /// Adds the request's sequence to the session's cache. Errors: those of checkRequest.
  /// With `speculation` a step may yield several tokens; the result is the same.
  static Result<std::unique_ptr<Generation>> create(Session &session, GenerateRequest request, TokenCallback callback,
                                                    Speculation *speculation = nullptr);
  ~Generation();

  /// Adds between 1 and `budget` tokens to the step, and asks for the output rows that next tokens depend on.
  /// Returns the number of rows asked for. Error: Resources (KV cache).
  Result<int64_t> contribute(StepBatch &batch, int64_t budget);
  /// Takes the rows that `contribute` asked for. They are overwritten. Error: Failed (NaN logits).
  Status consume(std::span<float> rows);

  bool prefilling() const { return committed < static_cast<int64_t>(request.prompt.size()); }
  bool finished() const { return result.finishReason != FinishReason::Unfinished; }
  void cancel() { finish(FinishReason::Cancelled); }
  GenerateResult takeResult() { return std::move(result); }
  GenerateStats &stats() { return result.stats; }
  /// Null without speculation.
  const Speculator *speculation() const { return speculator.get(); }

private:
  Generation(Session &session, GenerateRequest request, TokenCallback callback);
  Result<int64_t> contributeTree(StepBatch &batch, int64_t budget);
  Status consumeTree(std::span<float> rows);
  Status chooseNext(std::span<float> row);
  bool endsText(int32_t token) const;
  void dropTree(int32_t nodes);
  void accept(int32_t token);
  void deliver(int32_t token, std::string text);
  void finish(FinishReason reason);

  Session &session;
  GenerateRequest request;
  TokenCallback callback;
  Sampler sampler;
  StopMatcher stops;
  std::optional<StreamingDecoder> decoder;
  KvCache::SequenceId sequence;
  Constraint::State allowed = Constraint::start;
  std::vector<int32_t> history; ///< prompt and generated tokens
  int64_t committed = 0;        ///< tokens of `history` whose keys and values are in the cache or in the current step
  int64_t maxNewTokens = 0;
  bool isLong = false; ///< longer than the session's ropeSwitch()
  std::unique_ptr<Speculator> speculator;
  bool treeInStep = false;
  GenerateResult result;
};

/// Runs one request to its end. `cancelled`, when given, is looked at before each step.
Result<GenerateResult> generate(Session &session, GenerateRequest request, const TokenCallback &callback = {},
                                const std::atomic<bool> *cancelled = nullptr, Speculation *speculation = nullptr);

} // namespace yoke
