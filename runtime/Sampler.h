#pragma once

#include "Support/Error.h"
#include "runtime/SamplingOptions.h"

#include <span>
#include <vector>

namespace yoke {

struct TokenLogprob {
  int32_t token;
  float logprob;
};

/// Natural-logarithm probabilities of one sampled position, from the model's own (unprocessed) logits.
struct PositionLogprobs {
  TokenLogprob chosen;
  std::vector<TokenLogprob> top; ///< descending
};

/// Chooses tokens for one sequence. Deterministic: a choice depends on the logits, the history, the options and
/// `stream` only.
class Sampler {
public:
  Sampler(SamplingOptions options, std::vector<int32_t> endTokens, uint64_t stream = 0)
      : options(std::move(options)), endTokens(std::move(endTokens)), stream(stream) {}

  /// `logits` is one row [vocab] and is overwritten; `history` is the prompt (`promptLength` tokens) and what was
  /// generated since. Error: Failed when a logit is NaN or when no token is allowed.
  Result<int32_t> choose(std::span<float> logits, std::span<const int32_t> history, int64_t promptLength) const;

private:
  SamplingOptions options;
  std::vector<int32_t> endTokens;
  uint64_t stream;
};

/// Index of the largest value, the first one on ties; -1 when a value is NaN or the row is empty.
int32_t argmax(std::span<const float> values);

/// log(sum(exp(logits))).
double logSumExp(std::span<const float> logits);

/// `count` most probable tokens and `chosen`.
PositionLogprobs logprobsOf(std::span<const float> logits, int32_t chosen, int32_t count);

} // namespace yoke
