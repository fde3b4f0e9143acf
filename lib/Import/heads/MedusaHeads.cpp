//===- MedusaHeads.cpp - the released layouts of Medusa -------------------===//
//
// Head k guesses the token k + 2 places behind the last row's: projection(x) with x <- x + silu(W x + b), layer by
// layer.
//
//===----------------------------------------------------------------------===//
#include "Import/heads/HeadImport.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace yoke;
using namespace yoke::import;

namespace {
/// How the tensors of one layout are named.
struct Layout {
  std::string blocks, inner, weight, bias; ///< blocks HEAD inner LAYER weight
  std::string projections;
  bool isVllm = false;

  std::string layer(int64_t head, int64_t layer, const std::string &what) const {
    return fmt::format("{}{}{}{}{}", blocks, head, inner, layer, what);
  }
};
} // namespace

static Result<Layout> detect(const HeadTensors &heads) {
  for (std::string prefix : {"", "medusa_heads."})
    if (heads.find(prefix + "blocks.0.layers.0.weight"))
      return Layout{prefix + "blocks.", ".layers.", ".weight", ".bias", prefix + "lm_heads.", true};
  for (std::string prefix : {"", "medusa_head."})
    if (heads.find(prefix + "0.0.linear.weight"))
      return Layout{prefix, ".", ".linear.weight", ".linear.bias", prefix, false};
  return malformed("{}: no Medusa heads: expected tensors named 0.0.linear.weight, medusa_head.0.0.linear.weight or "
                   "blocks.0.layers.0.weight",
                   heads.folder());
}

/// The projections of the heads by name: none for the model's own, one for all, or one each.
static Result<std::vector<std::string>> projections(const HeadTensors &heads, const Layout &layout, int64_t count,
                                                    int64_t layers) {
  std::vector<std::string> names;
  for (int64_t head = 0; head < count; ++head) {
    std::string name = layout.isVllm ? fmt::format("{}{}.weight", layout.projections, head)
                                     : fmt::format("{}{}.{}.weight", layout.projections, head, layers);
    if (heads.find(name))
      names.push_back(name);
  }
  if (names.empty() && layout.isVllm && heads.find("lm_head.weight"))
    names.push_back("lm_head.weight");
  bool oneForAll = layout.isVllm && names.size() == 1;
  if (!names.empty() && !oneForAll && static_cast<int64_t>(names.size()) != count)
    return malformed("{}: {} of the {} Medusa heads have a projection of their own", heads.folder(), names.size(),
                     count);
  return names;
}

/// The first layer of all heads as one product, [T, heads * hidden].
static Value firstLayer(HeadTensors &heads, const Layout &layout, int64_t count, Value features, bool bias) {
  ModelBuilder &model = heads.model;
  int64_t hidden = model.shape().hidden;
  std::vector<TensorRows> matrices, vectors;
  for (int64_t head = 0; head < count; ++head) {
    matrices.push_back({layout.layer(head, 0, layout.weight), {hidden, hidden}, Rows::range(0, hidden)});
    vectors.push_back({layout.layer(head, 0, layout.bias), {hidden}, Rows::range(0, hidden)});
  }
  Value weight = model.stack("medusa.first.weight", {count * hidden, hidden}, matrices);
  Value vector = bias ? model.stack("medusa.first.bias", {count * hidden}, vectors) : Value();
  Value inner = model.activation(llm::ActivationKind::silu, model.linear(features, weight, vector));
  return model.add(inner, model.concatColumns(SmallVector<Value>(static_cast<size_t>(count), features)));
}

/// One more layer of a head. Layers that are copies of another share its weights.
static Value nextLayer(HeadTensors &heads, const Layout &layout, int64_t head, int64_t layer, Value x, bool bias) {
  ModelBuilder &model = heads.model;
  int64_t hidden = model.shape().hidden;
  auto shared = [&](const std::string &what) {
    std::string name = layout.layer(head, layer, what), original = name;
    for (int64_t earlier = 0; earlier < layer && original == name; ++earlier)
      original = heads.sameAs(name, layout.layer(head, earlier, what));
    return original;
  };
  Value weight = model.matrix(shared(layout.weight), hidden, hidden);
  Value vector = bias ? model.vector(shared(layout.bias), hidden) : Value();
  return model.add(model.activation(llm::ActivationKind::silu, model.linear(x, weight, vector)), x);
}

Status yoke::import::importMedusa(HeadTensors &heads) {
  ModelBuilder &model = heads.model;
  Layout layout = YOKE_TRY(detect(heads));
  int64_t hidden = model.shape().hidden;
  int64_t count = heads.count(layout.blocks, layout.inner + "0" + layout.weight);
  int64_t layers = heads.count(layout.blocks + "0" + layout.inner, layout.weight);
  bool bias = heads.find(layout.layer(0, 0, layout.bias)) != nullptr;
  for (int64_t head = 0; head < count; ++head)
    for (int64_t layer = 0; layer < layers; ++layer) {
      YOKE_TRY(heads.expect(layout.layer(head, layer, layout.weight), {hidden, hidden}));
      if (bias)
        YOKE_TRY(heads.expect(layout.layer(head, layer, layout.bias), {hidden}));
    }
  if (layout.isVllm)
    YOKE_TRY(heads.readVocabulary("token_map", /*offsets=*/false));
  std::vector<std::string> names = YOKE_TRY(projections(heads, layout, count, layers));

  model.addStepResult(model.finalHidden());
  Value features = model.beginDraft("medusa_heads", {.features = hidden}, heads.table);
  Value all = firstLayer(heads, layout, count, features, bias);
  if (layers > 1) {
    SmallVector<Value> rows;
    for (int64_t head = 0; head < count; ++head) {
      Value x = model.columnRange(all, head * hidden, hidden);
      for (int64_t layer = 1; layer < layers; ++layer)
        x = nextLayer(heads, layout, head, layer, x, bias);
      rows.push_back(x);
    }
    all = model.concatColumns(rows);
  }
  SmallVector<Value> results;
  if (names.size() == static_cast<size_t>(count) && count > 1) {
    for (auto [head, name] : llvm::enumerate(names)) {
      Value x = model.columnRange(all, static_cast<int64_t>(head) * hidden, hidden);
      results.push_back(model.linear(x, YOKE_TRY(heads.projection(name))));
    }
  } else {
    Value weight = YOKE_TRY(heads.projection(names.empty() ? "" : names.front()));
    results.push_back(model.linear(model.reshapeRows(all, hidden), weight, names.empty() ? model.headBias() : Value()));
  }
  model.finish(results);
  bool isOwn = &heads.checkpoint == &model.checkpoint();
  return heads.finish("medusa", count, [&](StringRef name) { return isOwn && !isHeadTensor(name); });
}
