//===- Qwen2Moe.cpp - Qwen 1.5 and 2 with experts -------------------------===//
//
// Beside the experts that the router chooses, one that all tokens share, with a sigmoid gate.
//
//===----------------------------------------------------------------------===//
#include "Import/DecoderLayers.h"
#include "Import/MixtureOfExperts.h"

using namespace mlir;
using namespace yoke;
using namespace yoke::import;

/// Windows in every other layer below `max_window_layers`, unless `layer_types` says otherwise. Without windows
/// transformers writes a `sliding_window` of 0.
static std::vector<std::optional<int64_t>> readWindows(ConfigReader &config, int64_t layers) {
  bool use = config.boolean("use_sliding_window", false);
  auto window = config.optionalInteger("sliding_window", 0, maxPositions, 4096);
  int64_t below = config.integer("max_window_layers", 0, maxWidth, 28);
  if (use)
    config.require(window.value_or(1) > 0, "sliding_window", "0 is no window");
  else
    window = std::nullopt;
  return readLayerWindows(config, layers, window,
                          [&](int64_t layer) { return use && layer % 2 == 0 && layer < below; });
}

static Status build(ConfigReader &config, ModelBuilder &model) {
  DecoderConfig d = readDecoder(config, {.positions = 32768, .kvHeads = 16});
  d.windows = readWindows(config, d.shape.layers);
  ExpertsConfig experts = readExperts(config, d, {.count = 60, .topK = 4, .inner = 1408, .canBeNone = true});
  experts.normalized = config.boolean("norm_topk_prob", false);
  std::vector<bool> sparse = readSparseLayers(config, d.shape.layers);
  DecoderConfig shared = d;
  shared.intermediate = config.integer("shared_expert_intermediate_size", 1, maxWidth, 5632);
  AttentionTraits traits = {.qkvBias = config.boolean("qkv_bias", true)};
  return buildLlamaLike(model, config, d, traits, [&](Value x, int64_t layer, const std::string &prefix) {
    std::string block = prefix + ".mlp";
    if (experts.count == 0 || !sparse[layer])
      return gatedMlp(model, d, x, block);
    Value chosen = mixtureOfExperts(model, d, experts, x, block);
    Value gate = model.linear(x, block + ".shared_expert_gate", 1, /*bias=*/false);
    gate = model.activation(llm::ActivationKind::sigmoid, gate);
    return model.add(chosen, scaleRows(model, gatedMlp(model, shared, x, block + ".shared_expert"), gate));
  });
}

namespace yoke::import {
extern const Family Qwen2MoeFamily = {
    .architectures = {"Qwen2MoeForCausalLM"},
    .modelType = "qwen2_moe",
    .task = "generate",
    .basePrefix = "model.",
    .tokens = {},
    .unusedTensors = {},
    .build = build,
};
} // namespace yoke::import
