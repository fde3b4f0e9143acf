//===- Qwen3Moe.cpp - Qwen 3 with experts ---------------------------------===//
#include "Import/DecoderLayers.h"
#include "Import/MixtureOfExperts.h"

using namespace mlir;
using namespace yoke;
using namespace yoke::import;

static Status build(ConfigReader &config, ModelBuilder &model) {
  DecoderConfig d = readDecoder(config, {.positions = 32768, .kvHeads = 4});
  auto window = config.optionalInteger("sliding_window", 0, maxPositions, 4096);
  if (!config.boolean("use_sliding_window", false))
    window = std::nullopt;
  config.require(window.value_or(1) > 0, "sliding_window", "0 is no window");
  d.windows.assign(d.shape.layers, window);
  ExpertsConfig experts = readExperts(config, d, {.count = 128, .topK = 8, .inner = 768, .canBeNone = true});
  experts.normalized = config.boolean("norm_topk_prob", false);
  std::vector<bool> sparse = readSparseLayers(config, d.shape.layers);
  bool bias = config.boolean("attention_bias", false);
  AttentionTraits traits = {.qkvBias = bias, .outBias = bias, .qkNorm = true};
  return buildLlamaLike(model, config, d, traits, [&](Value x, int64_t layer, const std::string &prefix) {
    if (experts.count == 0 || !sparse[layer])
      return gatedMlp(model, d, x, prefix + ".mlp");
    return mixtureOfExperts(model, d, experts, x, prefix + ".mlp");
  });
}

namespace yoke::import {
extern const Family Qwen3MoeFamily = {
    .architectures = {"Qwen3MoeForCausalLM"},
    .modelType = "qwen3_moe",
    .task = "generate",
    .basePrefix = "model.",
    .tokens = {},
    .unusedTensors = {},
    .build = build,
};
} // namespace yoke::import
