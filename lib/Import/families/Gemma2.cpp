//===- Gemma2.cpp - Gemma 2 -----------------------------------------------===//
//
// The embedding's scale sqrt(hidden_size) is not rounded to the weights' type: that is what transformers computes in
// float32.
//
//===----------------------------------------------------------------------===//
#include "Import/DecoderLayers.h"

#include <cmath>

using namespace mlir;
using namespace yoke;
using namespace yoke::import;

static Status build(ConfigReader &config, ModelBuilder &model) {
  DecoderConfig d = readDecoder(config, {.positions = 8192,
                                         .kvHeads = 4,
                                         .headDim = 256,
                                         .tied = true,
                                         .activationKey = "hidden_activation",
                                         .activation = "gelu_pytorch_tanh"});
  config.accept({"hidden_act"}); // older files have it too, and it has no effect
  auto window = config.optionalInteger("sliding_window", 1, maxPositions, 4096);
  d.windows = readLayerWindows(config, d.shape.layers, window, [](int64_t layer) { return layer % 2 == 0; });
  bool bias = config.boolean("attention_bias", false);
  double queryScalar = config.number("query_pre_attn_scalar", 1e-6, 1e9, 256);
  auto finalCap = config.optionalNumber("final_logit_softcapping", 1e-6, 1e9, 30.0);
  AttentionTraits traits = {.qkvBias = bias, .outBias = bias, .scale = 1 / std::sqrt(queryScalar)};
  traits.softcap = config.optionalNumber("attn_logit_softcapping", 1e-6, 1e9, 50.0);
  YOKE_TRY(model.begin(config, d.shape));

  int64_t hidden = d.shape.hidden;
  auto norm = [&](Value x, const std::string &name) { return model.rmsNorm(x, name, hidden, d.epsilon, 1); };
  auto [embedding, head] =
      embeddingAndHead(model, "model.embed_tokens.weight", "lm_head.weight", d.shape.vocabulary, hidden, d.tied);
  Value x = model.scale(model.embedding(model.tokens(), embedding), std::sqrt(double(hidden)));
  for (int64_t layer = 0; layer < d.shape.layers; ++layer) {
    std::string prefix = fmt::format("model.layers.{}", layer);
    Value y = selfAttention(model, d, layer, norm(x, prefix + ".input_layernorm"), prefix + ".self_attn", traits);
    x = model.add(x, norm(y, prefix + ".post_attention_layernorm"));
    y = gatedMlp(model, d, norm(x, prefix + ".pre_feedforward_layernorm"), prefix + ".mlp");
    x = model.add(x, norm(y, prefix + ".post_feedforward_layernorm"));
  }
  Value logits = model.lmHead(norm(x, "model.norm"), head);
  model.finish(finalCap ? model.softcap(logits, *finalCap) : logits);
  return {};
}

namespace yoke::import {
extern const Family Gemma2Family = {
    .architectures = {"Gemma2ForCausalLM"},
    .modelType = "gemma2",
    .task = "generate",
    .basePrefix = "model.",
    .tokens = {.bos = 2, .eos = 1, .pad = 0},
    .unusedTensors = {},
    .build = build,
};
} // namespace yoke::import
