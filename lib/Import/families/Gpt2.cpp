//===- Gpt2.cpp - GPT-2 ---------------------------------------------------===//
//
// Its Conv1D layers store [in, out].
//
//===----------------------------------------------------------------------===//
#include "Import/ConfigReader.h"
#include "Import/DecoderConfig.h"
#include "Import/Family.h"

#include <cmath>

using namespace mlir;
using namespace yoke;
using namespace yoke::import;

namespace {

struct Gpt2 {
  ModelBuilder &model;
  int64_t hidden, heads, inner;
  double epsilon;
  llm::ActivationKind activation;
  bool scaleByHead, scaleByLayer;

  /// `size` outputs, from `offset` on, of the Conv1D `stored` of `total` outputs, as the weight `name`.
  Value conv(Value x, const std::string &name, const std::string &stored, int64_t in, int64_t total, int64_t offset,
             int64_t size) {
    Value weight =
        model.part(name + ".weight", {size, in}, stored + ".weight", {in, total}, Rows::transposedRange(offset, size));
    Value bias = model.part(name + ".bias", {size}, stored + ".bias", {total}, Rows::range(offset, size));
    return model.linear(x, weight, bias);
  }

  Value attention(Value x, const std::string &prefix, int64_t layer) {
    std::string fused = prefix + ".c_attn";
    Value q = conv(x, prefix + ".q_attn", fused, hidden, 3 * hidden, 0, hidden);
    Value k = conv(x, prefix + ".k_attn", fused, hidden, 3 * hidden, hidden, hidden);
    Value v = conv(x, prefix + ".v_attn", fused, hidden, 3 * hidden, 2 * hidden, hidden);
    double scale = scaleByHead ? 1 / std::sqrt(double(hidden / heads)) : 1;
    if (scaleByLayer)
      scale /= double(layer + 1);
    AttentionShape shape = {.heads = heads, .kvHeads = heads, .layer = layer, .scale = static_cast<float>(scale)};
    std::string out = prefix + ".c_proj";
    return conv(model.attention(q, k, v, shape), out, out, hidden, hidden, 0, hidden);
  }

  Value block(Value x, int64_t layer) {
    std::string prefix = fmt::format("transformer.h.{}", layer);
    x = model.add(x, attention(model.layerNorm(x, prefix + ".ln_1", epsilon), prefix + ".attn", layer));
    std::string up = prefix + ".mlp.c_fc", down = prefix + ".mlp.c_proj";
    Value y = conv(model.layerNorm(x, prefix + ".ln_2", epsilon), up, up, hidden, inner, 0, inner);
    return model.add(x, conv(model.activation(activation, y), down, down, inner, hidden, 0, hidden));
  }
};

} // namespace

static Status build(ConfigReader &config, ModelBuilder &model) {
  ModelShape shape;
  shape.vocabulary = config.integer("vocab_size", 1, maxVocabulary);
  shape.hidden = config.integer(config.either("n_embd", "hidden_size"), 1, maxWidth);
  shape.layers = config.integer(config.either("n_layer", "num_hidden_layers"), 1, maxLayers);
  shape.positions = config.integer(config.either("n_positions", "max_position_embeddings"), 1, maxPositions, 1024);
  std::string_view headsKey = config.either("n_head", "num_attention_heads");
  shape.kvHeads = config.integer(headsKey, 1, maxHeads);
  shape.headDim = readEvenHeadDim(config, shape.hidden, shape.kvHeads, headsKey);
  Gpt2 gpt = {.model = model,
              .hidden = shape.hidden,
              .heads = shape.kvHeads,
              .inner = config.optionalInteger("n_inner", 1, maxWidth).value_or(4 * shape.hidden),
              .epsilon = config.number("layer_norm_epsilon", 0, 1, 1e-5),
              .activation = config.activation("activation_function", "gelu_new"),
              .scaleByHead = config.boolean("scale_attn_weights", true),
              .scaleByLayer = config.boolean("scale_attn_by_inverse_layer_idx", false)};
  bool tied = config.boolean("tie_word_embeddings", true);
  config.accept({"reorder_and_upcast_attn"}); // the same numbers, computed in another order
  YOKE_TRY(model.begin(config, shape));

  auto [embedding, head] =
      embeddingAndHead(model, "transformer.wte.weight", "lm_head.weight", shape.vocabulary, shape.hidden, tied);
  Value positions = model.matrix("transformer.wpe.weight", shape.positions, shape.hidden);
  Value x = model.add(model.embedding(model.tokens(), embedding), model.embedding(model.positions(), positions));
  for (int64_t layer = 0; layer < shape.layers; ++layer)
    x = gpt.block(x, layer);
  model.finish(model.lmHead(model.layerNorm(x, "transformer.ln_f", gpt.epsilon), head));
  return {};
}

namespace yoke::import {
extern const Family Gpt2Family = {
    .architectures = {"GPT2LMHeadModel"},
    .modelType = "gpt2",
    .task = "generate",
    .basePrefix = "transformer.",
    .tokens = {.bos = 50256, .eos = 50256, .pad = {}},
    .unusedTensors = {},
    .build = build,
};
} // namespace yoke::import
