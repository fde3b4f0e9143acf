//===- Llama.cpp - Llama 1, 2 and 3 ---------------------------------------===//
#include "Import/DecoderLayers.h"

using namespace yoke;
using namespace yoke::import;

static Status build(ConfigReader &config, ModelBuilder &model) {
  DecoderConfig decoder = readDecoder(config, {.positions = 2048});
  decoder.windows = readLayerWindows(config, decoder.shape.layers, std::nullopt, [](int64_t) { return false; });
  bool attentionBias = config.boolean("attention_bias", false);
  bool mlpBias = config.boolean("mlp_bias", false);
  return buildLlamaLike(model, config, decoder, {.qkvBias = attentionBias, .outBias = attentionBias}, mlpBias);
}

namespace yoke::import {
extern const Family LlamaFamily = {
    .architectures = {"LlamaForCausalLM", "LLaMAForCausalLM"},
    .modelType = "llama",
    .task = "generate",
    .basePrefix = "model.",
    .tokens = {.bos = 1, .eos = 2, .pad = {}},
    .unusedTensors = {},
    .build = build,
};
} // namespace yoke::import
