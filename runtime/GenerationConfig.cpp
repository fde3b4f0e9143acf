#include "runtime/GenerationConfig.h"

#include "Support/Json.h"

#include <cmath>
#include <limits>
#include <random>

namespace yoke {
namespace {

constexpr int64_t maxCount = std::numeric_limits<int32_t>::max();
constexpr size_t maxListLength = 1 << 20;

Result<std::optional<double>> optionalNumber(const JsonObject &object, std::string_view key, double lo, double hi) {
  if (!object.has(key))
    return std::optional<double>();
  return std::optional<double>(YOKE_TRY(object.number(key, lo, hi)));
}

Result<std::vector<int32_t>> tokenList(const JsonObject &object, std::string_view key, int64_t vocabSize) {
  std::vector<int32_t> result;
  if (!object.has(key))
    return result;
  for (int64_t id : YOKE_TRY(object.integers(key, 0, vocabSize - 1, maxListLength)))
    result.push_back(static_cast<int32_t>(id));
  return result;
}

Result<std::vector<int32_t>> tokenSequence(const JsonObject &object, std::string_view key, const Json &value,
                                           int64_t vocabSize) {
  std::vector<int32_t> result;
  if (!value.is_array() || value.empty())
    return object.error(key, "expected non-empty lists of token ids, found " + describeJson(value));
  for (const Json &element : value) {
    int64_t id = element.is_number_integer() ? element.get<int64_t>() : -1;
    if (id < 0 || id >= vocabSize)
      return object.error(key,
                          fmt::format("expected token ids in [0, {}], found {}", vocabSize - 1, describeJson(element)));
    result.push_back(static_cast<int32_t>(id));
  }
  return result;
}

Status readBiases(const JsonObject &object, int64_t vocabSize, GenerationConfig &config) {
  if (const Json *words = YOKE_TRY(object.optionalArray("bad_words_ids", maxListLength)))
    for (const Json &word : *words)
      config.badWords.push_back(YOKE_TRY(tokenSequence(object, "bad_words_ids", word, vocabSize)));
  if (const Json *biases = YOKE_TRY(object.optionalArray("sequence_bias", maxListLength)))
    for (const Json &pair : *biases) {
      if (!pair.is_array() || pair.size() != 2 || !pair[1].is_number())
        return object.error("sequence_bias", "expected [[token ids], bias] pairs, found " + describeJson(pair));
      config.sequenceBias.push_back(
          {YOKE_TRY(tokenSequence(object, "sequence_bias", pair[0], vocabSize)), pair[1].get<float>()});
    }
  return {};
}

/// An id, a list of ids, or nothing.
Status readEndTokens(const JsonObject &object, int64_t vocabSize, GenerationConfig &config) {
  const Json *value = object.find("eos_token_id");
  if (!value)
    return {};
  if (value->is_array())
    config.endTokens = YOKE_TRY(tokenList(object, "eos_token_id", vocabSize));
  else
    config.endTokens = {static_cast<int32_t>(YOKE_TRY(object.integer("eos_token_id", 0, vocabSize - 1)))};
  return {};
}

Status readStopStrings(const JsonObject &object, GenerationConfig &config) {
  const Json *value = object.find("stop_strings");
  if (!value)
    return {};
  if (value->is_string())
    config.stopStrings = {value->get<std::string>()};
  else
    config.stopStrings = YOKE_TRY(object.strings("stop_strings", 1024));
  return {};
}

void noteUnsupported(const JsonObject &object, GenerationConfig &config) {
  auto note = [&](std::string_view key, std::string_view consequence) {
    config.warnings.push_back(fmt::format("{}: {} is not supported; {}", object.source(), key, consequence));
  };
  if (const Json *beams = object.find("num_beams"); beams && beams->is_number() && *beams > 1)
    note("num_beams > 1", "generating one sequence without beams");
  for (std::string_view key : {"forced_bos_token_id", "forced_eos_token_id", "exponential_decay_length_penalty",
                               "watermarking_config", "penalty_alpha", "dola_layers"})
    if (object.has(key))
      note(key, "ignored");
  if (const Json *guidance = object.find("guidance_scale"); guidance && guidance->is_number() && *guidance != 1)
    note("guidance_scale", "ignored");
}

template <class Value>
Result<Value> inRange(std::string_view name, std::optional<Value> given, std::optional<Value> checkpoint,
                      Value defaultValue, Value lo, Value hi, bool openLow = false) {
  Value value = given.value_or(checkpoint.value_or(defaultValue));
  if (!(value >= lo && value <= hi) || (openLow && value == lo))
    return usageError("{} must be in {}{}, {}], found {}", name, openLow ? '(' : '[', lo, hi, value);
  return value;
}

} // namespace

Result<GenerationConfig> GenerationConfig::parse(std::string_view json, std::string_view source, int64_t vocabSize) {
  const Json document = YOKE_TRY(parseJson(json, source));
  const JsonObject object = YOKE_TRY(JsonObject::from(document, std::string(source)));
  GenerationConfig config;
  GenerationSettings &settings = config.settings;
  if (object.has("do_sample"))
    settings.sample = YOKE_TRY(object.boolean("do_sample"));
  constexpr double infinity = std::numeric_limits<double>::max();
  settings.temperature = YOKE_TRY(optionalNumber(object, "temperature", 0, infinity));
  settings.topK = YOKE_TRY(object.optionalInteger("top_k", 0, maxCount));
  settings.topP = YOKE_TRY(optionalNumber(object, "top_p", 0, 1));
  settings.minP = YOKE_TRY(optionalNumber(object, "min_p", 0, 1));
  settings.topH = YOKE_TRY(optionalNumber(object, "top_h", 0, 1));
  settings.typicalP = YOKE_TRY(optionalNumber(object, "typical_p", 0, 1));
  settings.epsilonCutoff = YOKE_TRY(optionalNumber(object, "epsilon_cutoff", 0, 1));
  settings.etaCutoff = YOKE_TRY(optionalNumber(object, "eta_cutoff", 0, 1));
  settings.repetitionPenalty =
      YOKE_TRY(optionalNumber(object, "repetition_penalty", std::numeric_limits<float>::min(), 1e6));
  settings.noRepeatNgram = YOKE_TRY(object.optionalInteger("no_repeat_ngram_size", 0, maxCount));
  settings.minNewTokens = YOKE_TRY(object.optionalInteger("min_new_tokens", 0, maxCount));
  settings.maxNewTokens = YOKE_TRY(object.optionalInteger("max_new_tokens", 0, maxCount));
  config.maxLength = YOKE_TRY(object.optionalInteger("max_length", 0, maxCount));
  config.minLength = YOKE_TRY(object.integer("min_length", 0, maxCount, 0));
  config.suppress = YOKE_TRY(tokenList(object, "suppress_tokens", vocabSize));
  config.suppressAtBegin = YOKE_TRY(tokenList(object, "begin_suppress_tokens", vocabSize));
  YOKE_TRY(readBiases(object, vocabSize, config));
  YOKE_TRY(readEndTokens(object, vocabSize, config));
  YOKE_TRY(readStopStrings(object, config));
  noteUnsupported(object, config);
  return config;
}

Result<SamplingOptions> resolveSampling(const GenerationSettings &user, const GenerationConfig &checkpoint) {
  const GenerationSettings &file = checkpoint.settings;
  SamplingOptions options;
  options.sequenceBias = checkpoint.sequenceBias;
  options.badWords = checkpoint.badWords;
  options.suppress = checkpoint.suppress;
  options.suppressAtBegin = checkpoint.suppressAtBegin;
  options.minLength = checkpoint.minLength;
  options.minNewTokens = YOKE_TRY(inRange<int64_t>("min-tokens", user.minNewTokens, file.minNewTokens, 0, 0, maxCount));
  options.repetitionPenalty = static_cast<float>(
      YOKE_TRY(inRange("repetition-penalty", user.repetitionPenalty, file.repetitionPenalty, 1.0, 0.0, 1e6, true)));
  options.noRepeatNgram = static_cast<int32_t>(
      YOKE_TRY(inRange<int64_t>("no-repeat-ngram-size", user.noRepeatNgram, file.noRepeatNgram, 0, 0, maxCount)));

  double temperature = YOKE_TRY(
      inRange("temperature", user.temperature, file.temperature, 1.0, 0.0, double(std::numeric_limits<float>::max())));
  options.topK = static_cast<int32_t>(YOKE_TRY(inRange<int64_t>("top-k", user.topK, file.topK, 50, 0, maxCount)));
  options.topP = static_cast<float>(YOKE_TRY(inRange("top-p", user.topP, file.topP, 1.0, 0.0, 1.0)));
  options.minP = static_cast<float>(YOKE_TRY(inRange("min-p", user.minP, file.minP, 0.0, 0.0, 1.0)));
  options.topH = static_cast<float>(YOKE_TRY(inRange("top-h", user.topH, file.topH, 0.0, 0.0, 1.0)));
  options.typicalP = static_cast<float>(YOKE_TRY(inRange("typical-p", user.typicalP, file.typicalP, 1.0, 0.0, 1.0)));
  options.epsilonCutoff =
      static_cast<float>(YOKE_TRY(inRange("epsilon-cutoff", user.epsilonCutoff, file.epsilonCutoff, 0.0, 0.0, 1.0)));
  options.etaCutoff =
      static_cast<float>(YOKE_TRY(inRange("eta-cutoff", user.etaCutoff, file.etaCutoff, 0.0, 0.0, 1.0)));

  options.sample = user.sample.value_or(user.temperature ? true : file.sample.value_or(false));
  if (static_cast<float>(temperature) <= 0) {
    options.sample = false;
    temperature = 1;
  }
  options.temperature = static_cast<float>(temperature);
  options.seed = user.seed ? *user.seed : options.sample ? randomSeed() : 0;
  return options;
}

int64_t resolveMaxNewTokens(const GenerationSettings &user, const GenerationConfig &checkpoint, int64_t promptLength) {
  if (user.maxNewTokens)
    return *user.maxNewTokens;
  if (checkpoint.settings.maxNewTokens)
    return *checkpoint.settings.maxNewTokens;
  if (checkpoint.maxLength && *checkpoint.maxLength > promptLength)
    return *checkpoint.maxLength - promptLength;
  return defaultMaxNewTokens;
}

uint64_t randomSeed() {
  std::random_device device;
  // Within 53 bits, so that the seed survives JSON readers that use doubles.
  return ((uint64_t(device()) << 32) | device()) >> 11;
}

} // namespace yoke
