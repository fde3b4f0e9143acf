//===- Mistral.cpp - Mistral ----------------------------------------------===//
#include "Import/DecoderLayers.h"

using namespace yoke;
using namespace yoke::import;

static Status build(ConfigReader &config, ModelBuilder &model) {
  DecoderConfig decoder = readDecoder(config, {.positions = 131072, .kvHeads = 8});
  decoder.windows = readUniformWindow(config, decoder.shape.layers, /*missing=*/4096);
  return buildLlamaLike(model, config, decoder, {});
}

namespace yoke::import {
extern const Family MistralFamily = {
    .architectures = {"MistralForCausalLM"},
    .modelType = "mistral",
    .task = "generate",
    .basePrefix = "model.",
    .tokens = {.bos = 1, .eos = 2, .pad = {}},
    .unusedTensors = {},
    .build = build,
};
} // namespace yoke::import
