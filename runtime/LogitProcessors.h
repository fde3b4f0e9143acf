// The steps from raw logits to the distribution that is sampled, one function each, in transformers' definitions
// (generation/logits_process.py). Processors look at the tokens so far and change dense logits [vocab]; warpers look at
// the distribution alone and work on the compact list of tokens that are still possible.
#pragma once

#include "runtime/SamplingOptions.h"

#include <span>

namespace yoke {

using Logits = std::span<float>;
using TokenHistory = std::span<const int32_t>;

void applySequenceBias(Logits logits, TokenHistory history, std::span<const SequenceBias> biases);
/// Divides positive and multiplies negative logits of all tokens in `history`.
void applyRepetitionPenalty(Logits logits, TokenHistory history, float penalty);
/// Bans tokens that would complete an n-gram of `size` tokens that `history` contains already.
void banRepeatedNgrams(Logits logits, TokenHistory history, int32_t size);
/// Bans the completion of each word; one-token words that are end tokens are skipped.
void banBadWords(Logits logits, TokenHistory history, std::span<const std::vector<int32_t>> words,
                 std::span<const int32_t> endTokens);
void banTokens(Logits logits, std::span<const int32_t> tokens);

/// All processors that `options` turns on, in transformers' order. `history` is prompt and generated tokens.
void processLogits(Logits logits, TokenHistory history, int64_t promptLength, const SamplingOptions &options,
                   std::span<const int32_t> endTokens);

/// Whether `processLogits` may change anything, for some text.
bool changesLogits(const SamplingOptions &options);

/// Tokens that are still possible (logit above -inf), in ascending order of id.
struct Candidates {
  std::vector<int32_t> tokens;
  std::vector<float> logits;

  static Candidates fromDense(std::span<const float> logits);
  size_t size() const { return tokens.size(); }
  /// Keeps entry i where keep[i] is non-zero.
  void filter(const std::vector<uint8_t> &keep);
  /// Softmax over the candidates. Logits of +inf share all probability.
  std::vector<double> probabilities() const;
};

void warpTemperature(Candidates &candidates, float temperature);
void warpTopH(Candidates &candidates, float topH);
void warpTopK(Candidates &candidates, int32_t k);
void warpTopP(Candidates &candidates, float p);
void warpMinP(Candidates &candidates, float minP);
void warpTypical(Candidates &candidates, float mass);
void warpEpsilon(Candidates &candidates, float epsilon);
void warpEta(Candidates &candidates, float epsilon);

/// All warpers that `options` turns on, in transformers' order.
void warp(Candidates &candidates, const SamplingOptions &options);

} // namespace yoke
