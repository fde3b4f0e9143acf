//===- EagleHeads.cpp - EAGLE-3 and EAGLE-1 draft layers ------------------===//
//
// A decoder layer that goes on from features of the model, then from its own output: EAGLE-3's from the inputs of three
// layers, EAGLE-1's from the last hidden states.
//
//===----------------------------------------------------------------------===//
#include "Import/DecoderLayers.h"
#include "Import/heads/HeadImport.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace yoke;
using namespace yoke::import;

namespace {
class Eagle {
public:
  explicit Eagle(HeadTensors &heads) : heads(heads), model(heads.model), hidden(model.shape().hidden) {}

  Status run() {
    const TensorInfo *fc = heads.find("fc.weight");
    if (!fc || fc->shape.size() != 2)
      return malformed("{}: no EAGLE layer: expected a matrix fc.weight", heads.folder());
    isThird = heads.find("midlayer.hidden_norm.weight") || heads.find("layers.0.hidden_norm.weight");
    layer = heads.find("midlayer.hidden_norm.weight") ? "midlayer" : "layers.0";
    YOKE_TRY(readConfig());
    YOKE_TRY(heads.readVocabulary("d2t", /*offsets=*/true));
    YOKE_TRY(isThird ? buildThird() : buildFirst());
    return heads.finish("eagle", 1, [](StringRef name) { return name == "t2d" || isBuffer(name); });
  }

private:
  Status readConfig() {
    document = YOKE_TRY(parseJson(heads.checkpoint.config(), heads.folder() + "/config.json"));
    JsonObject fields = YOKE_TRY(JsonObject::from(document, heads.folder() + "/config.json"));
    ConfigReader config(fields, "EAGLE");
    decoder = readDecoder(config, {});
    if (config.failed())
      return config.finish(nullptr);
    decoder.windows = {std::nullopt};
    if (decoder.shape.hidden != hidden)
      return malformed("{}: hidden_size is {}, but the model's is {}", fields.source(), decoder.shape.hidden, hidden);
    normBeforeResidual = YOKE_TRY(fields.boolean("norm_before_residual", false));
    auto layers = static_cast<int64_t>(model.layerInputs().size());
    taps = {2, layers / 2, layers - 3};
    for (std::string_view key : {"eagle_config", "dflash_config"})
      if (auto eagle = YOKE_TRY(fields.optionalObject(key)); eagle && eagle->has("eagle_aux_hidden_state_layer_ids"))
        taps = YOKE_TRY(eagle->integers("eagle_aux_hidden_state_layer_ids", 0, std::max<int64_t>(layers - 1, 0), 16));
    return {};
  }

  Status buildThird() {
    auto layers = static_cast<int64_t>(model.layerInputs().size());
    SmallVector<Value> inputs;
    for (int64_t tap : taps) {
      if (tap < 0 || tap >= layers)
        return malformed("{}: EAGLE-3 reads the input of layer {}, but this model gives those of {} layers",
                         heads.folder(), tap, layers);
      inputs.push_back(model.layerInputs()[static_cast<size_t>(tap)]);
    }
    int64_t wide = static_cast<int64_t>(inputs.size()) * hidden;
    YOKE_TRY(heads.expect("fc.weight", {hidden, wide}));
    model.addStepResult(model.atStepEnd([&] { return model.concatColumns(inputs); }));

    Value x = model.beginDraft("eagle_features", {.features = wide}, heads.table);
    model.finish(model.linear(x, "fc", hidden, heads.find("fc.bias") != nullptr));

    x = beginLayer();
    Value embedded = model.rmsNorm(embed(), layer + ".input_layernorm", hidden, decoder.epsilon);
    Value normed = model.rmsNorm(x, layer + ".hidden_norm", hidden, decoder.epsilon);
    Value both = model.concatColumns({embedded, normed});
    x = model.add(normBeforeResidual ? normed : x, selfAttention(model, decoder, 0, both, layer + ".self_attn", {}));
    x = feedForward(x);
    Value logits = model.lmHead(model.rmsNorm(x, "norm", hidden, decoder.epsilon), YOKE_TRY(projection()));
    model.finish({logits, x});
    return {};
  }

  Status buildFirst() {
    YOKE_TRY(heads.expect("fc.weight", {hidden, 2 * hidden}));
    model.addStepResult(model.finalHidden());
    Value x = beginLayer();
    x = model.linear(model.concatColumns({embed(), x}), "fc", hidden, heads.find("fc.bias") != nullptr);
    x = model.add(x, selfAttention(model, decoder, 0, x, layer + ".self_attn", {}));
    x = feedForward(x);
    model.finish({model.lmHead(x, YOKE_TRY(projection())), x});
    return {};
  }

  Value beginLayer() {
    return model.beginDraft(
        "eagle_layer",
        {.features = hidden, .tokensPerRow = 1, .kvHeads = decoder.shape.kvHeads, .headDim = decoder.headDim()},
        heads.table);
  }

  Value embed() {
    Value table = heads.find("embed_tokens.weight")
                      ? model.matrix("embed_tokens.weight", model.shape().vocabulary, hidden)
                      : model.tokenTable();
    return model.embedding(model.tokens(), table);
  }

  Value feedForward(Value x) {
    Value normed = model.rmsNorm(x, layer + ".post_attention_layernorm", hidden, decoder.epsilon);
    return model.add(x, gatedMlp(model, decoder, normed, layer + ".mlp"));
  }

  Result<Value> projection() { return heads.projection(heads.find("lm_head.weight") ? "lm_head.weight" : ""); }

  HeadTensors &heads;
  ModelBuilder &model;
  const int64_t hidden;
  bool isThird = false, normBeforeResidual = false;
  std::string layer;
  Json document;
  DecoderConfig decoder;
  std::vector<int64_t> taps;
};
} // namespace

Status yoke::import::importEagle(HeadTensors &heads) { return Eagle(heads).run(); }
