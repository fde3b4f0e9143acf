//===- Qwen2.cpp - Qwen 1.5, 2 and 2.5 ------------------------------------===//
#include "Import/DecoderLayers.h"

using namespace yoke;
using namespace yoke::import;

static Status build(ConfigReader &config, ModelBuilder &model) {
  DecoderConfig decoder = readDecoder(config, {.positions = 32768, .kvHeads = 32});
  decoder.windows = readUpperWindows(config, decoder.shape.layers);
  return buildLlamaLike(model, config, decoder, {.qkvBias = true});
}

namespace yoke::import {
extern const Family Qwen2Family = {
    .architectures = {"Qwen2ForCausalLM"},
    .modelType = "qwen2",
    .task = "generate",
    .basePrefix = "model.",
    .tokens = {},
    .unusedTensors = {},
    .build = build,
};
} // namespace yoke::import
