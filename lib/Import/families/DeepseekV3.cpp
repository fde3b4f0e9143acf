//===- DeepseekV3.cpp - DeepSeek V3 --------------------------------------===//
#include "Import/DecoderLayers.h"
#include "Import/LatentAttention.h"
#include "Import/SharedExperts.h"

using namespace mlir;
using namespace yoke;
using namespace yoke::import;

static Status build(ConfigReader &config, ModelBuilder &model) {
  auto [decoder, latentConfig] = readLatentDecoder(config, 4096);
  const DecoderConfig &d = decoder;
  LatentConfig &latent = latentConfig;
  latent.isInterleaved = config.boolean("rope_interleave", true);
  ExpertsDefaults sizes = {
      .countKey = "n_routed_experts", .countAlias = "num_local_experts", .count = 256, .topK = 8, .inner = 2048};
  SharedExpertsConfig experts =
      readSharedExperts(config, d, {.routed = sizes, .shared = 1, .firstSparse = 3, .scale = 2.5});
  ExpertsConfig &routed = experts.routed;
  routed.scoring = moe::Scoring::sigmoid;
  routed.hasCorrection = true;
  routed.hasPairs = true;
  routed.normalized = config.boolean("norm_topk_prob", true);
  setGroups(config, routed, config.integer("n_group", 1, maxExperts, 8),
            config.integer("topk_group", 1, maxExperts, 4));
  requireOnly(config, "scoring_func", "sigmoid");
  requireOnly(config, "topk_method", "noaux_tc");
  config.accept({"num_nextn_predict_layers", "num_mtp_layers"}); // drafts of tokens further on
  auto attention = [&](Value x, int64_t layer, const std::string &prefix) {
    return latentAttention(model, d, latent, layer, x, prefix + ".self_attn");
  };
  return buildPreNormDecoder(model, config, d, attention, [&](Value x, int64_t layer, const std::string &prefix) {
    return sharedExperts(model, d, experts, layer, x, prefix + ".mlp");
  });
}

namespace yoke::import {
extern const Family DeepseekV3Family = {
    .architectures = {"DeepseekV3ForCausalLM"},
    .modelType = "deepseek_v3",
    .task = "generate",
    .basePrefix = "model.",
    .tokens = {.bos = 0, .eos = 1, .pad = {}},
    .unusedTensors = {"layers.61."},
    .build = build,
};
} // namespace yoke::import
