//===- Qwen2Mot.cpp - Mixture-of-Transformers in BAGEL's naming -----------===//
#include "Import/DecoderLayers.h"
#include "Import/Modalities.h"

using namespace mlir;
using namespace yoke;
using namespace yoke::import;

namespace {
/// Qwen 2's layers with norms of queries and keys, where each modality has weights of its own for all but attention.
/// Those of modality 1 are named with `_moe_gen`.
class MotBuilder {
public:
  MotBuilder(ModelBuilder &model, const DecoderConfig &d, bool qkNorm, bool postNorm)
      : model(model), d(d), qkNorm(qkNorm), postNorm(postNorm) {}

  void build(const ModalityRule &rule) {
    bool isWrapped = llvm::any_of(model.checkpoint().tensors(), [](const TensorInfo *tensor) {
      return StringRef(tensor->name).starts_with("language_model.");
    });
    std::string root = isWrapped ? "language_model." : "";
    auto [embedding, head] = embeddingAndHead(model, root + "model.embed_tokens.weight", root + "lm_head.weight",
                                              d.shape.vocabulary, d.shape.hidden, d.tied);
    Value x = model.embedding(model.tokens(), embedding);
    if (hasModalities(model.checkpoint()))
      modalities =
          rule.markers ? model.segments(rule.markers->first, rule.markers->second) : model.modalities(rule.ranges);
    for (int64_t layer = 0; layer < d.shape.layers; ++layer)
      x = writeLayer(x, layer, fmt::format("{}model.layers.{}", root, layer));
    x = each({x}, [&](int64_t modality, ValueRange rows) -> SmallVector<Value> {
          return {norm(rows[0], root + "model.norm", modality)};
        }).front();
    model.finish(model.lmHead(x, head));
  }

  static bool hasModalities(const Checkpoint &checkpoint) {
    return llvm::any_of(checkpoint.tensors(),
                        [](const TensorInfo *tensor) { return StringRef(tensor->name).contains("_moe_gen"); });
  }

private:
  static std::string nameOf(const std::string &name, int64_t modality) {
    return modality == 0 ? name : name + "_moe_gen";
  }

  SmallVector<Value> each(ValueRange inputs, ModalityBody body) {
    return byModality(model, modalities, 2, inputs, body);
  }

  Value norm(Value x, const std::string &name, int64_t modality) {
    return model.rmsNorm(x, nameOf(name, modality), d.shape.hidden, d.epsilon);
  }

  Value writeLayer(Value x, int64_t layer, const std::string &prefix) {
    std::string inputNorm = prefix + ".input_layernorm", innerNorm = prefix + ".post_attention_layernorm";
    SmallVector<Value> qkv = each({x}, [&](int64_t modality, ValueRange rows) -> SmallVector<Value> {
      Value normed = postNorm ? rows[0] : norm(rows[0], inputNorm, modality);
      auto project = [&](const char *name, int64_t columns) {
        return model.linear(normed, nameOf(fmt::format("{}.self_attn.{}", prefix, name), modality), columns, true);
      };
      Value q = project("q_proj", d.queryColumns()), k = project("k_proj", d.keyColumns()),
            v = project("v_proj", d.keyColumns());
      if (qkNorm) {
        q = model.rmsNorm(q, nameOf(prefix + ".self_attn.q_norm", modality), d.headDim(), d.epsilon);
        k = model.rmsNorm(k, nameOf(prefix + ".self_attn.k_norm", modality), d.headDim(), d.epsilon);
      }
      return {q, k, v};
    });
    Value attended = attend(model, d, layer, qkv[0], qkv[1], qkv[2]);
    return each({attended, x},
                [&](int64_t modality, ValueRange rows) -> SmallVector<Value> {
                  Value out =
                      model.linear(rows[0], nameOf(prefix + ".self_attn.o_proj", modality), d.shape.hidden, false);
                  Value h = model.add(rows[1], postNorm ? norm(out, inputNorm, modality) : out);
                  Value normed = postNorm ? h : norm(h, innerNorm, modality);
                  Value fed = gatedMlp(model, d, normed, nameOf(prefix + ".mlp", modality));
                  return {model.add(h, postNorm ? norm(fed, innerNorm, modality) : fed)};
                })
        .front();
  }

  ModelBuilder &model;
  const DecoderConfig &d;
  bool qkNorm, postNorm;
  Value modalities; ///< null: one modality
};
} // namespace

/// True when norms stand behind attention and feed-forward blocks, as the paper has them, rather than before.
static bool readPostNorm(ConfigReader &config) {
  config.accept({"mot_norm"});
  std::string place = config.take(config.all().string("mot_norm", "pre"), std::string("pre"));
  if (place != "pre" && place != "post")
    config.refuse("mot_norm", "expected \"pre\" (as BAGEL) or \"post\"");
  return place == "post";
}

static Status build(ConfigReader &config, ModelBuilder &model) {
  DecoderConfig decoder = readDecoder(config, {.positions = 32768, .kvHeads = 32});
  decoder.windows = readUpperWindows(config, decoder.shape.layers);
  config.accept({"layer_module", "freeze_und"});
  bool qkNorm = config.boolean("qk_norm", true), postNorm = readPostNorm(config);
  if (!config.boolean("is_causal", true))
    config.refuse("is_causal", "false is not supported");
  ModalityRule rule = readModalityRule(config, decoder.shape.vocabulary);
  bool hasModalities = MotBuilder::hasModalities(model.checkpoint());
  if (hasModalities && rule.isEmpty())
    rule.markers = findMarkers(model.checkpoint(), "<|vision_start|>", "<|vision_end|>", decoder.shape.vocabulary);
  if (hasModalities && rule.isEmpty() && model.options().warnings)
    model.options().warnings->push_back(
        "config.json: no token is of the modality of the _moe_gen weights, which are left out: no "
        "moe_gen_token_ranges, no "
        "vision_start_token_id and vision_end_token_id, and no <|vision_start|> and <|vision_end|> in the tokenizer");
  decoder.shape.stateLayers = hasModalities && rule.markers ? 1 : 0;
  YOKE_TRY(model.begin(config, decoder.shape));
  MotBuilder(model, decoder, qkNorm, postNorm).build(rule);
  return {};
}

namespace yoke::import {
extern const Family Qwen2MotFamily = {
    .architectures = {"Qwen2MoTForCausalLM"},
    .modelType = "qwen2_mot",
    .task = "generate",
    .basePrefix = "language_model.model.",
    .tokens = {},
    .unusedTensors = {"vit_model.", "vit_pos_embed.", "connector.", "time_embedder.", "vae2llm.", "llm2vae.",
                      "latent_pos_embed."},
    .build = build,
};
} // namespace yoke::import
