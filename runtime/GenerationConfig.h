// A checkpoint's generation_config.json, and how it combines with what the user asks for.
#pragma once

#include "Support/Error.h"
#include "runtime/SamplingOptions.h"

#include <optional>
#include <string>
#include <string_view>

namespace yoke {

/// Settings that a user can give or leave out; what is left out comes from the checkpoint, then from the defaults.
struct GenerationSettings {
  std::optional<bool> sample;
  std::optional<double> temperature; ///< >= 0; 0 is greedy
  std::optional<int64_t> topK;       ///< >= 0; 0 is off
  std::optional<double> topP, minP, topH, typicalP, epsilonCutoff, etaCutoff;
  std::optional<double> repetitionPenalty;
  std::optional<int64_t> noRepeatNgram;
  std::optional<int64_t> minNewTokens;
  std::optional<int64_t> maxNewTokens;
  std::optional<uint64_t> seed;
};

struct GenerationConfig {
  GenerationSettings settings;
  std::optional<int64_t> maxLength; ///< prompt and generated tokens together
  int64_t minLength = 0;
  std::vector<SequenceBias> sequenceBias;
  std::vector<std::vector<int32_t>> badWords;
  std::vector<int32_t> suppress, suppressAtBegin;
  std::optional<std::vector<int32_t>> endTokens; ///< absent: those of the manifest hold
  std::vector<std::string> stopStrings;
  /// Settings of the file that this runtime cannot honour, one line each.
  std::vector<std::string> warnings;

  /// Unknown fields are ignored, wrong types and values outside their range are refused (Malformed).
  /// Token ids must lie in [0, vocabSize).
  static Result<GenerationConfig> parse(std::string_view json, std::string_view source, int64_t vocabSize);
};

/// Tokens to generate when neither the user nor the checkpoint says.
constexpr int64_t defaultMaxNewTokens = 256;

/// The user's settings, then the checkpoint's, then transformers' defaults (temperature 1, top-k 50). Sampling is on
/// when the user gives a temperature above 0 or `sample`, or else when the checkpoint sets do_sample.
/// Error (Usage): a setting outside its range.
Result<SamplingOptions> resolveSampling(const GenerationSettings &user, const GenerationConfig &checkpoint);

/// Generated tokens allowed for a prompt of `promptLength` tokens, before the model's own limit.
int64_t resolveMaxNewTokens(const GenerationSettings &user, const GenerationConfig &checkpoint, int64_t promptLength);

/// A seed for users who gave none.
uint64_t randomSeed();

} // namespace yoke
