//===- GptNeoX.cpp - GPT-NeoX and Pythia ----------------------------------===//
//
// The fused query_key_value holds q, k and v of the first head, then of the second, and so on.
//
//===----------------------------------------------------------------------===//
#include "Import/DecoderConfig.h"
#include "Import/Family.h"

#include <cmath>

using namespace mlir;
using namespace yoke;
using namespace yoke::import;

namespace {

struct GptNeoX {
  ModelBuilder &model;
  ModelShape shape;
  Rope rope;
  int64_t inner;
  double epsilon;
  llm::ActivationKind activation;
  bool parallel, attentionBias;

  Value attention(Value x, const std::string &prefix, int64_t layer) {
    int64_t hidden = shape.hidden, size = shape.headDim, heads = shape.kvHeads;
    std::string fused = prefix + ".query_key_value";
    auto project = [&](const char *name, int64_t third) {
      Rows rows = {.offset = third * size, .block = size, .stride = 3 * size, .count = heads};
      std::string own = prefix + name;
      Value weight = model.part(own + ".weight", {hidden, hidden}, fused + ".weight", {3 * hidden, hidden}, rows);
      Value bias = attentionBias ? model.part(own + ".bias", {hidden}, fused + ".bias", {3 * hidden}, rows) : Value();
      return model.linear(x, weight, bias);
    };
    Value q = project(".query", 0), k = project(".key", 1), v = project(".value", 2);
    AttentionShape attention = {
        .heads = heads, .kvHeads = heads, .layer = layer, .scale = static_cast<float>(1 / std::sqrt(double(size)))};
    Value attended = model.attention(model.rotate(q, rope, size), model.rotate(k, rope, size), v, attention);
    return model.linear(attended, prefix + ".dense", hidden, attentionBias);
  }

  Value mlp(Value x, const std::string &prefix) {
    Value y = model.activation(activation, model.linear(x, prefix + ".dense_h_to_4h", inner, true));
    return model.linear(y, prefix + ".dense_4h_to_h", shape.hidden, true);
  }

  Value block(Value x, int64_t layer) {
    std::string prefix = fmt::format("gpt_neox.layers.{}", layer);
    auto norm = [&](Value y, const char *name) { return model.layerNorm(y, prefix + name, epsilon); };
    Value attended = attention(norm(x, ".input_layernorm"), prefix + ".attention", layer);
    if (parallel)
      return model.add(model.add(mlp(norm(x, ".post_attention_layernorm"), prefix + ".mlp"), attended), x);
    x = model.add(attended, x);
    return model.add(mlp(norm(x, ".post_attention_layernorm"), prefix + ".mlp"), x);
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
  RopeSpelling spelling = {.theta = "rotary_emb_base", .partial = "rotary_pct", .partialDefault = 0.25};
  GptNeoX neox = {.model = model,
                  .shape = shape,
                  .rope = readRopes(config, shape.headDim, shape.positions, spelling).full,
                  .inner = config.integer("intermediate_size", 1, maxWidth),
                  .epsilon = config.number("layer_norm_eps", 0, 1, 1e-5),
                  .activation = config.activation("hidden_act", "gelu"),
                  .parallel = config.boolean("use_parallel_residual", true),
                  .attentionBias = config.boolean("attention_bias", true)};
  bool tied = config.boolean("tie_word_embeddings", false);
  config.accept({"is_decoder", "rope_theta", "partial_rotary_factor"}); // transformers does not use them here either
  YOKE_TRY(model.begin(config, shape));

  auto [embedding, head] =
      embeddingAndHead(model, "gpt_neox.embed_in.weight", "lm_head.weight", shape.vocabulary, shape.hidden, tied);
  Value x = model.embedding(model.tokens(), embedding);
  for (int64_t layer = 0; layer < shape.layers; ++layer)
    x = neox.block(x, layer);
  model.finish(model.lmHead(model.layerNorm(x, "gpt_neox.final_layer_norm", neox.epsilon), head));
  return {};
}

namespace yoke::import {
extern const Family GptNeoXFamily = {
    .architectures = {"GPTNeoXForCausalLM"},
    .modelType = "gpt_neox",
    .task = "generate",
    .basePrefix = "gpt_neox.",
    .tokens = {.bos = 0, .eos = 2, .pad = {}},
    .unusedTensors = {},
    .build = build,
};
} // namespace yoke::import
