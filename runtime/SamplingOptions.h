// How the next token is chosen from logits. Names and meanings are those of transformers' GenerationConfig.
#pragma once

#include <cstdint>
#include <vector>

namespace yoke {

/// Adds `bias` to the logit of the last token of `tokens` when the text so far ends in the tokens before it.
struct SequenceBias {
  std::vector<int32_t> tokens;
  float bias;
};

struct SamplingOptions {
  /// False: the most probable token (lowest id on ties); the warpers (temperature to etaCutoff) are not applied.
  bool sample = false;
  uint64_t seed = 0;

  std::vector<SequenceBias> sequenceBias;
  float repetitionPenalty = 1; ///< > 0; 1 is off
  int32_t noRepeatNgram = 0;   ///< 0 is off
  std::vector<std::vector<int32_t>> badWords;
  int64_t minLength = 0;    ///< no end token before prompt + generated reach this
  int64_t minNewTokens = 0; ///< no end token before this many generated tokens
  std::vector<int32_t> suppress;
  std::vector<int32_t> suppressAtBegin;

  float temperature = 1;   ///< > 0
  float topH = 0;          ///< (0, 1]; 0 is off
  int32_t topK = 0;        ///< 0 is off
  float topP = 1;          ///< (0, 1]; 1 is off
  float minP = 0;          ///< [0, 1]; 0 is off
  float typicalP = 1;      ///< (0, 1]; 1 is off
  float epsilonCutoff = 0; ///< [0, 1); 0 is off
  float etaCutoff = 0;     ///< [0, 1); 0 is off
};

} // namespace yoke
