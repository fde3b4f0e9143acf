//===- Olmoe.cpp - OLMoE --------------------------------------------------===//
#include "Import/DecoderLayers.h"
#include "Import/MixtureOfExperts.h"

using namespace mlir;
using namespace yoke;
using namespace yoke::import;

static Status build(ConfigReader &config, ModelBuilder &model) {
  DecoderConfig d = readDecoder(config, {.positions = 4096, .epsilon = 1e-5});
  d.windows.resize(d.shape.layers); // none
  config.require(d.queryColumns() == d.shape.hidden, "head_dim",
                 "must be hidden_size / num_attention_heads, since the norm of the queries spans hidden_size columns");
  ExpertsConfig experts = readExperts(config, d, {.innerKey = "intermediate_size", .count = 64, .topK = 8});
  experts.normalized = config.boolean("norm_topk_prob", false);
  bool bias = config.boolean("attention_bias", false);
  AttentionTraits traits = {.qkvBias = bias, .outBias = bias, .wholeQkNorm = true};
  return buildLlamaLike(model, config, d, traits, [&](Value x, int64_t, const std::string &prefix) {
    return mixtureOfExperts(model, d, experts, x, prefix + ".mlp");
  });
}

namespace yoke::import {
extern const Family OlmoeFamily = {
    .architectures = {"OlmoeForCausalLM"},
    .modelType = "olmoe",
    .task = "generate",
    .basePrefix = "model.",
    .tokens = {.bos = {}, .eos = 50279, .pad = 1},
    .unusedTensors = {},
    .build = build,
};
} // namespace yoke::import
