//===- DecoderLayers.cpp - blocks that Llama-like decoders have in common -===//
#include "Import/DecoderLayers.h"

#include <cmath>

using namespace mlir;
using namespace yoke;
using namespace yoke::import;

Value yoke::import::attend(ModelBuilder &model, const DecoderConfig &config, int64_t layer, Value q, Value k, Value v,
                           const AttentionTraits &traits) {
  int64_t headDim = config.headDim();
  q = model.rotate(q, config.rope(layer), headDim);
  k = model.rotate(k, config.rope(layer), headDim);
  AttentionShape shape;
  shape.heads = config.heads;
  shape.kvHeads = config.shape.kvHeads;
  shape.layer = layer;
  shape.scale = static_cast<float>(traits.scale.value_or(1 / std::sqrt(double(headDim))));
  shape.window = config.windows[layer];
  shape.softcap = traits.softcap;
  return model.attention(q, k, v, shape);
}

Value yoke::import::selfAttention(ModelBuilder &model, const DecoderConfig &config, int64_t layer, Value x,
                                  const std::string &prefix, const AttentionTraits &traits) {
  Value q = model.linear(x, prefix + ".q_proj", config.queryColumns(), traits.qkvBias);
  Value k = model.linear(x, prefix + ".k_proj", config.keyColumns(), traits.qkvBias);
  Value v = model.linear(x, prefix + ".v_proj", config.keyColumns(), traits.qkvBias);
  if (traits.qkNorm || traits.wholeQkNorm) {
    q = model.rmsNorm(q, prefix + ".q_norm", traits.wholeQkNorm ? config.queryColumns() : config.headDim(),
                      config.epsilon);
    k = model.rmsNorm(k, prefix + ".k_norm", traits.wholeQkNorm ? config.keyColumns() : config.headDim(),
                      config.epsilon);
  }
  Value attended = attend(model, config, layer, q, k, v, traits);
  return model.linear(attended, prefix + ".o_proj", config.shape.hidden, traits.outBias);
}

Value yoke::import::gatedMlp(ModelBuilder &model, const DecoderConfig &config, Value x, const std::string &prefix,
                             bool bias) {
  Value gate = model.linear(x, prefix + ".gate_proj", config.intermediate, bias);
  Value up = model.linear(x, prefix + ".up_proj", config.intermediate, bias);
  return model.linear(model.gated(config.activation, gate, up), prefix + ".down_proj", config.shape.hidden, bias);
}

Status yoke::import::buildPreNormDecoder(ModelBuilder &model, ConfigReader &config, const DecoderConfig &d,
                                         Attention attention, FeedForward feedForward) {
  YOKE_TRY(model.begin(config, d.shape));
  int64_t hidden = d.shape.hidden;
  auto [embedding, head] =
      embeddingAndHead(model, "model.embed_tokens.weight", "lm_head.weight", d.shape.vocabulary, hidden, d.tied);
  Value x = model.embedding(model.tokens(), embedding);
  for (int64_t layer = 0; layer < d.shape.layers; ++layer) {
    std::string prefix = fmt::format("model.layers.{}", layer);
    model.noteLayer(x);
    Value normed = model.rmsNorm(x, prefix + ".input_layernorm", hidden, d.epsilon);
    x = model.add(x, attention(normed, layer, prefix));
    normed = model.rmsNorm(x, prefix + ".post_attention_layernorm", hidden, d.epsilon);
    x = model.add(x, feedForward(normed, layer, prefix));
  }
  model.finish(model.lmHead(model.rmsNorm(x, "model.norm", hidden, d.epsilon), head));
  return {};
}

Status yoke::import::buildLlamaLike(ModelBuilder &model, ConfigReader &config, const DecoderConfig &d,
                                    const AttentionTraits &traits, FeedForward feedForward) {
  auto attention = [&](Value x, int64_t layer, const std::string &prefix) {
    return selfAttention(model, d, layer, x, prefix + ".self_attn", traits);
  };
  return buildPreNormDecoder(model, config, d, attention, feedForward);
}

Status yoke::import::buildLlamaLike(ModelBuilder &model, ConfigReader &config, const DecoderConfig &d,
                                    const AttentionTraits &traits, bool mlpBias) {
  return buildLlamaLike(model, config, d, traits, [&](Value x, int64_t, const std::string &prefix) {
    return gatedMlp(model, d, x, prefix + ".mlp", mlpBias);
  });
}
