//===- DeepseekV2.cpp - DeepSeek V2 --------------------------------------===//
#include "Import/DecoderLayers.h"
#include "Import/LatentAttention.h"
#include "Import/SharedExperts.h"

using namespace mlir;
using namespace yoke;
using namespace yoke::import;

/// Which groups of experts a token may choose from: those with the best experts, or all.
static void readGroups(ConfigReader &config, ExpertsConfig &experts) {
  std::string method = config.take(config.all().string("topk_method", std::string("greedy")), std::string("greedy"));
  auto groups = config.optionalInteger("n_group", 1, maxExperts),
       topGroups = config.optionalInteger("topk_group", 1, maxExperts);
  config.accept({"topk_method"});
  if (method == "greedy")
    return;
  config.require(method == "group_limited_greedy", "topk_method",
                 "only \"greedy\" and \"group_limited_greedy\" are supported");
  config.require(groups.has_value(), "n_group", "is missing, which group_limited_greedy needs");
  config.require(topGroups.has_value(), "topk_group", "is missing, which group_limited_greedy needs");
  setGroups(config, experts, groups.value_or(1), topGroups.value_or(1));
}

static Status build(ConfigReader &config, ModelBuilder &model) {
  auto [decoder, latentConfig] = readLatentDecoder(config, 2048);
  const DecoderConfig &d = decoder;
  const LatentConfig &latent = latentConfig;
  ExpertsDefaults routed = {
      .countKey = "n_routed_experts", .countAlias = "num_experts", .count = 64, .topK = {}, .inner = 1407};
  SharedExpertsConfig experts =
      readSharedExperts(config, d, {.routed = routed, .shared = 2, .firstSparse = 0, .scale = 1});
  experts.bias = config.boolean("mlp_bias", false);
  config.accept({"norm_topk_prob"}); // transformers does not look at it
  requireOnly(config, "scoring_func", "softmax");
  readGroups(config, experts.routed);
  auto attention = [&](Value x, int64_t layer, const std::string &prefix) {
    return latentAttention(model, d, latent, layer, x, prefix + ".self_attn");
  };
  return buildPreNormDecoder(model, config, d, attention, [&](Value x, int64_t layer, const std::string &prefix) {
    return sharedExperts(model, d, experts, layer, x, prefix + ".mlp");
  });
}

namespace yoke::import {
extern const Family DeepseekV2Family = {
    .architectures = {"DeepseekV2ForCausalLM"},
    .modelType = "deepseek_v2",
    .task = "generate",
    .basePrefix = "model.",
    .tokens = {.bos = 1, .eos = 2, .pad = {}},
    .unusedTensors = {},
    .build = build,
};
} // namespace yoke::import
