//===- Opt.cpp - OPT ------------------------------------------------------===//
#include "Import/DecoderConfig.h"
#include "Import/Family.h"

#include <cmath>

using namespace mlir;
using namespace yoke;
using namespace yoke::import;

namespace {

struct Opt {
  ModelBuilder &model;
  ModelShape shape;
  int64_t inner;
  llm::ActivationKind activation;
  bool normBefore, bias, affine;

  /// torch.nn.LayerNorm's default epsilon.
  Value norm(Value x, const std::string &name) { return model.layerNorm(x, name, 1e-5, affine); }

  Value attention(Value x, const std::string &prefix, int64_t layer) {
    auto project = [&](Value y, const char *name) { return model.linear(y, prefix + name, shape.hidden, bias); };
    Value q = project(x, ".q_proj"), k = project(x, ".k_proj"), v = project(x, ".v_proj");
    AttentionShape attention = {.heads = shape.kvHeads,
                                .kvHeads = shape.kvHeads,
                                .layer = layer,
                                .scale = static_cast<float>(1 / std::sqrt(double(shape.headDim)))};
    return project(model.attention(q, k, v, attention), ".out_proj");
  }

  Value block(Value x, int64_t layer) {
    std::string prefix = fmt::format("model.decoder.layers.{}", layer);
    std::string first = prefix + ".self_attn_layer_norm", second = prefix + ".final_layer_norm";
    x = model.add(x, attention(normBefore ? norm(x, first) : x, prefix + ".self_attn", layer));
    if (!normBefore)
      x = norm(x, first);
    Value y = model.linear(normBefore ? norm(x, second) : x, prefix + ".fc1", inner, bias);
    x = model.add(x, model.linear(model.activation(activation, y), prefix + ".fc2", shape.hidden, bias));
    return normBefore ? x : norm(x, second);
  }
};

} // namespace

static Status build(ConfigReader &config, ModelBuilder &model) {
  ModelShape shape;
  shape.vocabulary = config.integer("vocab_size", 1, maxVocabulary);
  shape.hidden = config.integer("hidden_size", 1, maxWidth);
  shape.layers = config.integer("num_hidden_layers", 1, maxLayers);
  shape.positions = config.integer("max_position_embeddings", 1, maxPositions, 2048);
  shape.kvHeads = config.integer("num_attention_heads", 1, maxHeads);
  shape.headDim = readEvenHeadDim(config, shape.hidden, shape.kvHeads, "num_attention_heads");
  int64_t embeddingSize = config.optionalInteger("word_embed_proj_dim", 1, maxWidth).value_or(shape.hidden);
  Opt opt = {.model = model,
             .shape = shape,
             .inner = config.integer("ffn_dim", 1, maxWidth),
             .activation = config.activation("activation_function", "relu"),
             .normBefore = config.boolean("do_layer_norm_before", true),
             .bias = config.boolean("enable_bias", true),
             .affine = config.boolean("layer_norm_elementwise_affine", true)};
  bool finalNorm = !config.boolean("_remove_final_layer_norm", false) && opt.normBefore;
  bool tied = config.boolean("tie_word_embeddings", true);
  YOKE_TRY(model.begin(config, shape));

  auto [embedding, head] = embeddingAndHead(model, "model.decoder.embed_tokens.weight", "lm_head.weight",
                                            shape.vocabulary, embeddingSize, tied);
  constexpr int64_t positionOffset = 2;
  Value positions =
      model.matrix("model.decoder.embed_positions.weight", shape.positions + positionOffset, shape.hidden);
  Value x = model.embedding(model.tokens(), embedding);
  if (embeddingSize != shape.hidden)
    x = model.linear(x, "model.decoder.project_in", shape.hidden, false);
  x = model.add(x, model.embedding(model.positions(), positions, positionOffset));
  for (int64_t layer = 0; layer < shape.layers; ++layer)
    x = opt.block(x, layer);
  if (finalNorm)
    x = opt.norm(x, "model.decoder.final_layer_norm");
  if (embeddingSize != shape.hidden)
    x = model.linear(x, "model.decoder.project_out", embeddingSize, false);
  model.finish(model.lmHead(x, head));
  return {};
}

namespace yoke::import {
extern const Family OptFamily = {
    .architectures = {"OPTForCausalLM"},
    .modelType = "opt",
    .task = "generate",
    .basePrefix = "model.",
    .tokens = {.bos = 2, .eos = 2, .pad = 1},
    .unusedTensors = {},
    .build = build,
};
} // namespace yoke::import
