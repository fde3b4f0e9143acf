//===- HydraHeads.cpp - Hydra and Hydra++ ---------------------------------===//
//
// Head i sees, beside the features of the last row, the embeddings of the i + 1 tokens that follow it on a path:
// z = [features; E(x0); ... E(xi)], y = Wr z + br + silu(W z + b), then blocks y <- y + silu(V y + c), then a
// projection.
//
//===----------------------------------------------------------------------===//
#include "Import/DecoderLayers.h"
#include "Import/heads/HeadImport.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace yoke;
using namespace yoke::import;

static constexpr StringLiteral prefixLayer = "prefix_embeding_layer."; // so spelled in the files

namespace {
class Hydra {
public:
  explicit Hydra(HeadTensors &heads)
      : heads(heads), model(heads.model), hidden(model.shape().hidden),
        hasPrefix(heads.find((prefixLayer + "norm.weight").str()) != nullptr) {}

  Status run(const JsonObject &modelConfig) {
    int64_t count = heads.count("hydra_mlp.", fmt::format(".{}.linear.weight", place(0)));
    if (count == 0)
      return malformed("{}: no Hydra heads: expected tensors named hydra_mlp.0.{}.linear.weight", heads.folder(),
                       place(0));
    YOKE_TRY(heads.readVocabulary("token_map", /*offsets=*/false));
    int64_t projections = 0;
    while (projections < count && heads.find(projectionName(projections)))
      ++projections;
    if (projections > 1 && projections != count)
      return malformed("{}: {} of the {} Hydra heads have a projection of their own", heads.folder(), projections,
                       count);
    model.addStepResult(model.finalHidden());
    if (hasPrefix)
      YOKE_TRY(buildPrefix(modelConfig));
    for (int64_t head = 0; head < count; ++head)
      YOKE_TRY(buildHead(head, projections));
    return heads.finish("hydra", count,
                        [](StringRef name) { return name == (prefixLayer + "embed_tokens.weight").str(); });
  }

private:
  /// Behind each block of prefix heads stands a dropout's number.
  int64_t place(int64_t layer) const { return hasPrefix ? 2 * layer + 1 : layer; }
  std::string block(int64_t head, int64_t layer) const { return fmt::format("hydra_mlp.{}.{}", head, place(layer)); }
  std::string projectionName(int64_t head) const {
    return fmt::format("hydra_lm_head.{}{}.weight", head, hasPrefix ? ".1" : "");
  }

  Status buildHead(int64_t head, int64_t projections) {
    int64_t wide = (head + 2) * hidden;
    YOKE_TRY(heads.expect(block(head, 0) + ".linear.weight", {hidden, wide}));
    Value features = model.beginDraft(fmt::format("hydra_head_{}", head),
                                      {.features = hidden, .tokensPerRow = head + 1}, heads.table);
    Value path = model.reshapeRows(model.embedding(model.tokens(), model.tokenTable()), (head + 1) * hidden);
    Value z = model.concatColumns({features, path});
    Value residual = model.linear(z, block(head, 0) + ".res_connection", hidden, /*bias=*/true);
    Value y = model.add(silu(model.linear(z, block(head, 0) + ".linear", hidden, /*bias=*/true)), residual);
    for (int64_t layer = 1; heads.find(block(head, layer) + ".linear.weight"); ++layer)
      y = model.add(silu(nextLayer(head, layer, y)), y);
    if (projections == 0) {
      model.finish(model.linear(y, YOKE_TRY(heads.projection("")), model.headBias()));
      return {};
    }
    std::string name = projectionName(projections == 1 ? 0 : head);
    std::string bias = name.substr(0, name.size() - StringRef("weight").size()) + "bias";
    Value vector;
    if (heads.find(bias))
      vector = model.vector(bias, heads.vocabulary());
    model.finish(model.linear(y, YOKE_TRY(heads.projection(name)), vector));
    return {};
  }

  /// Blocks that are copies of another share its weights.
  Value nextLayer(int64_t head, int64_t layer, Value y) {
    auto shared = [&](const std::string &what) {
      std::string name = block(head, layer) + what;
      return layer == 1 ? name : heads.sameAs(name, block(head, 1) + what);
    };
    Value weight = model.matrix(shared(".linear.weight"), hidden, hidden);
    return model.linear(y, weight, model.vector(shared(".linear.bias"), hidden));
  }

  Value silu(Value x) { return model.activation(llm::ActivationKind::silu, x); }

  /// A decoder layer like the model's over its last hidden states.
  Status buildPrefix(const JsonObject &modelConfig) {
    ConfigReader config(modelConfig, "Hydra++");
    DecoderConfig decoder = readDecoder(config, {});
    if (config.failed())
      return malformed("{}: Hydra++ has a layer like the model's, which must be Llama's: {} does not say its sizes",
                       heads.folder(), modelConfig.source());
    decoder.windows = {std::nullopt};
    std::string layer = (prefixLayer + "layers.0").str(), gate = layer + ".mlp.gate_proj.weight";
    if (const TensorInfo *tensor = heads.find(gate); tensor && tensor->shape.size() == 2)
      decoder.intermediate = tensor->shape[0];
    YOKE_TRY(heads.expect(gate, {decoder.intermediate, hidden}));
    Value x = model.beginDraft("hydra_prefix",
                               {.features = hidden, .kvHeads = decoder.shape.kvHeads, .headDim = decoder.headDim()},
                               heads.table);
    Value normed = model.rmsNorm(x, layer + ".input_layernorm", hidden, decoder.epsilon);
    x = model.add(x, selfAttention(model, decoder, 0, normed, layer + ".self_attn", {}));
    normed = model.rmsNorm(x, layer + ".post_attention_layernorm", hidden, decoder.epsilon);
    x = model.add(x, gatedMlp(model, decoder, normed, layer + ".mlp"));
    model.finish(model.rmsNorm(x, (prefixLayer + "norm").str(), hidden, decoder.epsilon));
    return {};
  }

  HeadTensors &heads;
  ModelBuilder &model;
  const int64_t hidden;
  const bool hasPrefix;
};
} // namespace

Status yoke::import::importHydra(HeadTensors &heads, const JsonObject &modelConfig) {
  return Hydra(heads).run(modelConfig);
}
