//===- Bert.cpp - BERT as an encoder of sentences -------------------------===//
//
// Every token has token type 0; the rows of a sequence are pooled as sentence-transformers' files say.
//
//===----------------------------------------------------------------------===//
#include "Import/DecoderConfig.h"
#include "Import/Family.h"
#include "Import/SentencePooling.h"

#include <cmath>

using namespace mlir;
using namespace yoke;
using namespace yoke::import;

namespace {

struct Bert {
  ModelBuilder &model;
  int64_t hidden, heads, inner;
  double epsilon;
  llm::ActivationKind activation;

  Value embed(int64_t vocabulary, int64_t positions, int64_t types) {
    std::string prefix = "bert.embeddings";
    Value words = model.matrix(prefix + ".word_embeddings.weight", vocabulary, hidden);
    Value places = model.matrix(prefix + ".position_embeddings.weight", positions, hidden);
    Value type = model.part(prefix + ".token_type_embeddings.0", {hidden}, prefix + ".token_type_embeddings.weight",
                            {types, hidden}, Rows::range(0, 1));
    Value x = model.addVector(model.embedding(model.tokens(), words), type);
    x = model.add(x, model.embedding(model.positions(), places));
    return model.layerNorm(x, prefix + ".LayerNorm", epsilon);
  }

  Value block(Value x, int64_t layer) {
    std::string prefix = fmt::format("bert.encoder.layer.{}", layer);
    auto project = [&](const char *name) { return model.linear(x, prefix + ".attention.self" + name, hidden, true); };
    AttentionShape shape = {
        .heads = heads, .kvHeads = heads, .scale = static_cast<float>(1 / std::sqrt(double(hidden / heads)))};
    Value q = project(".query"), k = project(".key"), v = project(".value");
    Value y = model.linear(model.attention(q, k, v, shape), prefix + ".attention.output.dense", hidden, true);
    x = model.layerNorm(model.add(y, x), prefix + ".attention.output.LayerNorm", epsilon);
    y = model.activation(activation, model.linear(x, prefix + ".intermediate.dense", inner, true));
    y = model.linear(y, prefix + ".output.dense", hidden, true);
    return model.layerNorm(model.add(y, x), prefix + ".output.LayerNorm", epsilon);
  }
};

} // namespace

static Status build(ConfigReader &config, ModelBuilder &model) {
  ModelShape shape;
  shape.vocabulary = config.integer("vocab_size", 1, maxVocabulary);
  shape.hidden = config.integer("hidden_size", 1, maxWidth);
  shape.layers = config.integer("num_hidden_layers", 1, maxLayers);
  shape.positions = config.integer("max_position_embeddings", 1, maxPositions, 512);
  int64_t types = config.integer("type_vocab_size", 1, maxWidth, 2);
  Bert bert = {.model = model,
               .hidden = shape.hidden,
               .heads = config.integer("num_attention_heads", 1, maxHeads),
               .inner = config.integer("intermediate_size", 1, maxWidth),
               .epsilon = config.number("layer_norm_eps", 0, 1, 1e-12),
               .activation = config.activation("hidden_act", "gelu")};
  readEvenHeadDim(config, shape.hidden, bert.heads, "num_attention_heads");
  const Json *position = config.all().find("position_embedding_type");
  if (position && *position != "absolute")
    config.refuse("position_embedding_type",
                  fmt::format("{} is not supported; supported: \"absolute\"", describeJson(*position)));
  config.accept({"position_embedding_type", "tie_word_embeddings"}); // no head, nothing to tie
  YOKE_TRY(model.begin(config, shape));
  SentencePooling pooling = YOKE_TRY(readSentencePooling(model.checkpoint(), shape.hidden));

  Value x = bert.embed(shape.vocabulary, shape.positions, types);
  for (int64_t layer = 0; layer < shape.layers; ++layer)
    x = bert.block(x, layer);
  model.finish(model.pool(pooling.kind, x, pooling.normalize));
  return {};
}

namespace yoke::import {
extern const Family BertFamily = {
    .architectures = {"BertModel", "BertForMaskedLM", "BertForPreTraining"},
    .modelType = "bert",
    .task = "embed",
    .basePrefix = "bert.",
    .tokens = {.bos = {}, .eos = {}, .pad = 0},
    .unusedTensors = {"pooler.", "cls."},
    .build = build,
};
} // namespace yoke::import
