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
  /// Do without the package's compiled loop, if it has one.
  bool interpreted = false;
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
  bool compiledLoop = false; ///< tokens but the first came from the package's own loop
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
  /// Takes the rows that `contribute` asked for, none perhaps, and the features of all tokens of the step, when the
  /// model has them. The rows are overwritten. Error: Failed (NaN logits).
  Status consume(std::span<float> rows, std::span<const float> features = {});

  // A step on a tree of guesses, part by part, for loops that make steps of their own: begin, evaluated, choose or add
  // for each node of a path, keep; or drop in place of what follows begin.

  /// The tree of the next step, the root alone without speculation; its slots are writable. All tokens of the text but
  /// the last are in the cache. `otherRows`: of other sequences in the step; `budget`: nodes at most. Error: Resources.
  Result<const DraftTree *> beginTree(int64_t otherRows, int64_t budget);
  /// As beginTree, for a tree that the caller makes: the number of nodes, of `wanted`, that have slots. `maxDepth`
  /// receives the edges that its paths may have. Error: Resources.
  Result<int64_t> beginRoot(int64_t wanted, int64_t &maxDepth);
  /// The tree that the caller has made. Needs speculation.
  void adoptTree(const DraftTree &tree) { speculator->adopt(tree); }
  /// The row of each node: all logits, or the `best.width` best and their tokens.
  void evaluated(std::span<const float> rows);
  void evaluated(const BestTokens &best);
  /// Chooses the next token from a row, which is overwritten. Error: Failed.
  Status choose(std::span<float> row);
  void add(int32_t token);
  /// The nodes whose tokens are in the text now, the root first; `features` of all nodes, when the drafters read them.
  void keepPath(std::span<const int32_t> path, std::span<const float> features = {});
  /// A guess may lead the model to NaN where its own text does not; kernels read and mask what other branches wrote,
  /// which NaN survives. The step is to be repeated, without guesses.
  void dropTree();

  std::span<const int32_t> tokens() const { return history; }
  /// The slot of the tree's root.
  int64_t rootSlot() const { return committed - 1; }
  std::span<const int32_t> blockTable() const { return session.kvCache().blockTable(sequence); }
  /// Whether tokens are the model's most probable ones, whatever the text.
  bool isPlainGreedy() const;
  bool isInterpreted() const { return request.interpreted; }

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
  Status consumeTree(std::span<float> rows, std::span<const float> features);
  void readPath(std::span<const int32_t> path, int64_t start, std::span<const float> features);
  int64_t draftSlots() const;
  const DraftTree &tree() const { return speculator ? speculator->proposed() : rootAlone; }
  bool endsText(int32_t token) const;
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
  DraftTree rootAlone;  ///< the tree of steps without speculation
  size_t treeStart = 0; ///< tokens before the tree's
  bool treeInStep = false;
  int64_t firstInStep = 0, tokensInStep = 0; ///< this request's tokens in the step
  GenerateResult result;
};

/// Runs one request to its end. `cancelled`, when given, is looked at before each step.
Result<GenerateResult> generate(Session &session, GenerateRequest request, const TokenCallback &callback = {},
                                const std::atomic<bool> *cancelled = nullptr, Speculation *speculation = nullptr);

} // namespace yoke
