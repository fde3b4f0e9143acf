//===- DecoderConfig.cpp - sizes that Llama-like decoders have in common --===//
#include "Import/DecoderConfig.h"

using namespace yoke;
using namespace yoke::import;

static std::string doesNotDivide(int64_t heads, int64_t hidden) {
  return fmt::format("{} must divide hidden_size {}", heads, hidden);
}

DecoderConfig yoke::import::readDecoder(ConfigReader &config, const DecoderDefaults &defaults) {
  DecoderConfig d;
  d.shape.vocabulary = config.integer("vocab_size", 1, maxVocabulary);
  d.shape.hidden = config.integer("hidden_size", 1, maxWidth);
  d.shape.layers = config.integer("num_hidden_layers", 1, maxLayers);
  d.shape.positions = config.integer("max_position_embeddings", 1, maxPositions, defaults.positions);
  d.heads = config.integer("num_attention_heads", 1, maxHeads);
  d.intermediate = config.integer("intermediate_size", 1, maxWidth);
  d.epsilon = config.number("rms_norm_eps", 0, 1, defaults.epsilon);
  d.activation = config.activation(defaults.activationKey, defaults.activation);
  d.tied = config.boolean("tie_word_embeddings", defaults.tied);

  // Null means "as many as heads"; a missing field the family's default, which is that for most.
  auto kvHeads = config.optionalInteger("num_key_value_heads", 1, maxHeads, defaults.kvHeads);
  d.shape.kvHeads = kvHeads.value_or(d.heads);
  config.require(d.heads % d.shape.kvHeads == 0, "num_key_value_heads",
                 fmt::format("{} must divide num_attention_heads {}", d.shape.kvHeads, d.heads));

  if (auto headDim = config.optionalInteger(defaults.headDimKey, 1, maxHeads, defaults.headDim)) {
    d.shape.headDim = *headDim;
  } else {
    config.require(d.shape.hidden % d.heads == 0, "num_attention_heads", doesNotDivide(d.heads, d.shape.hidden));
    d.shape.headDim = std::max<int64_t>(d.shape.hidden / d.heads, 1);
  }
  d.ropes = readRopes(config, d.shape.headDim, d.shape.positions, defaults.rope);
  return d;
}

int64_t yoke::import::readEvenHeadDim(ConfigReader &config, int64_t hidden, int64_t heads, std::string_view headsKey) {
  config.require(hidden % heads == 0, headsKey, doesNotDivide(heads, hidden));
  int64_t headDim = std::max<int64_t>(hidden / heads, 1);
  if (auto given = config.optionalInteger("head_dim", 1, maxHeads))
    config.require(*given == headDim, "head_dim",
                   fmt::format("{} is not hidden_size / num_attention_heads = {}, which is all that this architecture "
                               "supports",
                               *given, headDim));
  return headDim;
}
