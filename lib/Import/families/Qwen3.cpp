//===- Qwen3.cpp - Qwen 3, dense ------------------------------------------===//
#include "Import/DecoderLayers.h"

using namespace yoke;
using namespace yoke::import;

static Status build(ConfigReader &config, ModelBuilder &model) {
  DecoderConfig decoder = readDecoder(config, {.positions = 32768, .kvHeads = 32, .headDim = 128});
  decoder.windows = readUpperWindows(config, decoder.shape.layers);
  bool bias = config.boolean("attention_bias", false);
  return buildLlamaLike(model, config, decoder, {.qkvBias = bias, .outBias = bias, .qkNorm = true});
}

namespace yoke::import {
extern const Family Qwen3Family = {
    .architectures = {"Qwen3ForCausalLM"},
    .modelType = "qwen3",
    .task = "generate",
    .basePrefix = "model.",
    .tokens = {},
    .unusedTensors = {},
    .build = build,
};
} // namespace yoke::import
