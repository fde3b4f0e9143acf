// What a model says about given tokens: logits, perplexity, embeddings.
#pragma once

#include "runtime/Session.h"

#include <atomic>
#include <functional>

namespace yoke {

/// Receives rows of logits [vocab] in order; returning an error ends the evaluation.
using RowSink = std::function<Status(int64_t token, std::span<const float> logits)>;

/// Logits, or a probe's rows, at every token of one causal sequence from `firstRow` on. Tokens: 1 to max_positions.
/// Errors: Malformed (length, vocabulary, task), Failed (cancelled), Resources.
Status evaluateLogits(Session &session, std::span<const int32_t> tokens, int64_t firstRow, const RowSink &sink,
                      const std::atomic<bool> *cancelled = nullptr);

struct PerplexityOptions {
  int64_t window = 0; ///< tokens the model sees at once; 0: max_positions
  int64_t stride = 0; ///< tokens by which the window moves; 0: half a window
  const std::atomic<bool> *cancelled = nullptr;
  std::function<void(double fraction)> progress;
};

struct PerplexityResult {
  int64_t tokens = 0;       ///< of the text
  int64_t scoredTokens = 0; ///< all but the first
  int64_t windows = 0;
  double nats = 0; ///< sum of -ln p(token | tokens before it in its window)

  double natsPerToken() const { return scoredTokens ? nats / scoredTokens : 0; }
};

/// Sliding-window perplexity: windows of `window` tokens start every `stride` tokens, and each scores the tokens that
/// no earlier window scored, so that after the first window every token is predicted from at least window - stride
/// tokens. Errors: Malformed (fewer than 2 tokens), Usage (window, stride), Failed (NaN logits).
Result<PerplexityResult> evaluatePerplexity(Session &session, std::span<const int32_t> tokens,
                                            const PerplexityOptions &options);

/// One embedding row per text, [texts][output_columns]. Texts are batched up to the step's token limit.
/// Errors: Malformed (empty or too long text, a package that does not embed).
Result<std::vector<float>> embed(Session &session, std::span<const std::vector<int32_t>> texts,
                                 const std::atomic<bool> *cancelled = nullptr);

} // namespace yoke
