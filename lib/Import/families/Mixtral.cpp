//===- Mixtral.cpp - Mixtral ----------------------------------------------===//
#include "Import/DecoderLayers.h"
#include "Import/MixtureOfExperts.h"

using namespace mlir;
using namespace yoke;
using namespace yoke::import;

static Status build(ConfigReader &config, ModelBuilder &model) {
  DecoderConfig d =
      readDecoder(config, {.positions = 131072, .kvHeads = 8, .epsilon = 1e-5, .rope = {.thetaDefault = 1e6}});
  d.windows = readUniformWindow(config, d.shape.layers, std::nullopt);
  ExpertsConfig experts = readExperts(config, d,
                                      {.countKey = "num_local_experts",
                                       .countAlias = "num_experts",
                                       .innerKey = "intermediate_size",
                                       .count = 8,
                                       .topK = 2});
  experts.normalized = true;
  return buildLlamaLike(model, config, d, {}, [&](Value x, int64_t, const std::string &prefix) {
    // transformers 5 names the block as the other families do, when it saves experts stacked.
    std::string block = prefix + ".mlp";
    if (!model.weights().find(block + ".gate.weight"))
      block = prefix + ".block_sparse_moe";
    return mixtureOfExperts(model, d, experts, x, block, {.gate = "w1", .up = "w3", .down = "w2"});
  });
}

namespace yoke::import {
extern const Family MixtralFamily = {
    .architectures = {"MixtralForCausalLM"},
    .modelType = "mixtral",
    .task = "generate",
    .basePrefix = "model.",
    .tokens = {.bos = 1, .eos = 2, .pad = {}},
    .unusedTensors = {},
    .build = build,
};
} // namespace yoke::import
