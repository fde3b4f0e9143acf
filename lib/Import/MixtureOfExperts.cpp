//===- MixtureOfExperts.cpp - layers that route tokens to experts ---------===//
#include "Import/MixtureOfExperts.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace yoke;
using namespace yoke::import;

ExpertsConfig yoke::import::readExperts(ConfigReader &config, const DecoderConfig &decoder,
                                        const ExpertsDefaults &defaults) {
  std::string_view countKey = config.either(defaults.countKey, defaults.countAlias);
  ExpertsConfig experts;
  experts.count = config.integer(countKey, defaults.canBeNone ? 0 : 1, maxExperts, defaults.count);
  experts.topK = defaults.topK ? config.integer("num_experts_per_tok", 1, maxExperts, *defaults.topK)
                               : config.integer("num_experts_per_tok", 1, maxExperts);
  experts.inner = defaults.inner ? config.integer(defaults.innerKey, 1, maxWidth, *defaults.inner)
                                 : config.integer(defaults.innerKey, 1, maxWidth);
  // What only training looks at.
  config.accept({"output_router_logits", "router_aux_loss_coef", "router_jitter_noise"});
  config.require(experts.count == 0 || experts.topK <= experts.count, "num_experts_per_tok",
                 fmt::format("{} must be at most {} {}", experts.topK, countKey, experts.count));
  double elements = 3.0 * static_cast<double>(experts.count) * static_cast<double>(experts.inner) *
                    static_cast<double>(decoder.shape.hidden) * static_cast<double>(decoder.shape.layers);
  config.require(elements < 0x1p60, countKey, fmt::format("{} experts of this size are too many", experts.count));
  return experts;
}

void yoke::import::setGroups(ConfigReader &config, ExpertsConfig &experts, int64_t groups, int64_t topGroups) {
  config.require(experts.count % groups == 0, "n_group",
                 fmt::format("{} must divide the {} routed experts", groups, experts.count));
  config.require(topGroups <= groups, "topk_group", fmt::format("{} must be at most n_group {}", topGroups, groups));
  int64_t size = experts.count / groups;
  config.require(
      experts.topK <= size * topGroups, "num_experts_per_tok",
      fmt::format("{} must be at most the {} experts of {} groups", experts.topK, size * topGroups, topGroups));
  config.require(!experts.hasPairs || size >= 2, "n_group",
                 fmt::format("{} groups of {} experts have fewer than two each", groups, experts.count));
  experts.groups = groups;
  experts.topGroups = topGroups;
}

std::vector<bool> yoke::import::readSparseLayers(ConfigReader &config, int64_t layers) {
  int64_t every = config.integer("decoder_sparse_step", 1, maxLayers, 1);
  std::vector<bool> sparse(static_cast<size_t>(layers));
  for (int64_t layer = 0; layer < layers; ++layer)
    sparse[layer] = (layer + 1) % every == 0;
  config.accept({"mlp_only_layers"});
  const Json *dense = config.take(config.all().optionalArray("mlp_only_layers", maxLayers), {});
  if (!dense)
    return sparse;
  for (const Json &layer : *dense) {
    int64_t number = layer.is_number_integer() ? layer.get<int64_t>() : -1;
    if (number < 0 || number >= maxLayers)
      config.refuse("mlp_only_layers", "expected numbers of layers");
    else if (number < layers)
      sparse[number] = false;
  }
  return sparse;
}

namespace {
/// The weights of one layer's experts.
class ExpertWeights {
public:
  ExpertWeights(ModelBuilder &model, const ExpertsConfig &config, int64_t hidden, const std::string &prefix,
                const ExpertNames &names)
      : model(model), config(config), hidden(hidden), prefix(prefix + ".experts."), names(names) {
    isStacked = model.weights().find(this->prefix + "gate_up_proj") != nullptr;
  }

  /// [experts, 2 * inner, hidden]: an expert's gate, then its up.
  Value gateUp() {
    int64_t both = 2 * config.inner;
    if (isStacked)
      return stacked("gate_up_proj", both, hidden);
    std::vector<TensorRows> parts;
    for (int64_t expert = 0; expert < config.count && areStored(parts); ++expert)
      for (std::string_view name : {names.gate, names.up})
        parts.push_back(whole(expert, name, config.inner, hidden));
    return model.stack(prefix + "gate_up_proj", {config.count, both, hidden}, parts);
  }

  /// [experts, hidden, inner]
  Value down() {
    if (isStacked)
      return stacked("down_proj", hidden, config.inner);
    std::vector<TensorRows> parts;
    for (int64_t expert = 0; expert < config.count && areStored(parts); ++expert)
      parts.push_back(whole(expert, names.down, hidden, config.inner));
    return model.stack(prefix + "down_proj", {config.count, hidden, config.inner}, parts);
  }

private:
  /// False when the last part is missing in the checkpoint, which is an error: no more experts are listed then, so that
  /// the program stays as small as the checkpoint.
  bool areStored(const std::vector<TensorRows> &parts) {
    return parts.empty() || model.weights().isStored(parts.back());
  }

  Value stacked(const char *name, int64_t rows, int64_t columns) {
    std::vector<int64_t> shape = {config.count, rows, columns};
    return model.stack(prefix + name, shape, TensorRows{prefix + name, shape, Rows::range(0, config.count * rows)});
  }

  TensorRows whole(int64_t expert, std::string_view name, int64_t rows, int64_t columns) {
    return {fmt::format("{}{}.{}.weight", prefix, expert, name), {rows, columns}, Rows::range(0, rows)};
  }

  ModelBuilder &model;
  const ExpertsConfig &config;
  int64_t hidden;
  std::string prefix;
  ExpertNames names;
  bool isStacked;
};
} // namespace

static Type matrixOf(Value stack) {
  auto type = cast<RankedTensorType>(stack.getType());
  return RankedTensorType::get(type.getShape().drop_front(), type.getElementType());
}

/// The region: down(activation(gate) * up), gate and up the halves of one product.
static void writeExpert(OpBuilder &ops, moe::ExpertsOp experts, llm::ActivationKind activation) {
  OpBuilder::InsertionGuard guard(ops);
  Location loc = experts.getLoc();
  Block &block = experts.getBody().emplaceBlock();
  Value x = block.addArgument(experts.getX().getType(), loc);
  Value gateUp = block.addArgument(matrixOf(experts.getMatrices()[0]), loc);
  Value down = block.addArgument(matrixOf(experts.getMatrices()[1]), loc);
  ops.setInsertionPointToStart(&block);

  Value both = llm::LinearOp::create(ops, loc, x, gateUp, Value(), TypeAttr());
  Value rows = tensor::DimOp::create(ops, loc, both, arith::ConstantIndexOp::create(ops, loc, 0));
  int64_t inner = cast<RankedTensorType>(both.getType()).getDimSize(1) / 2;
  auto type = RankedTensorType::get({ShapedType::kDynamic, inner}, ops.getF32Type());
  auto half = [&](int64_t begin) -> Value {
    SmallVector<OpFoldResult> offsets = {ops.getIndexAttr(0), ops.getIndexAttr(begin)};
    SmallVector<OpFoldResult> sizes = {rows, ops.getIndexAttr(inner)}, strides(2, ops.getIndexAttr(1));
    return tensor::ExtractSliceOp::create(ops, loc, type, both, offsets, sizes, strides);
  };
  Value gate = half(0), up = half(inner);
  Value hidden = llm::GatedOp::create(ops, loc, activation, gate, up);
  moe::YieldOp::create(ops, loc, llm::LinearOp::create(ops, loc, hidden, down, Value(), TypeAttr()));
}

Value yoke::import::mixtureOfExperts(ModelBuilder &model, const DecoderConfig &decoder, const ExpertsConfig &config,
                                     Value x, const std::string &prefix, const ExpertNames &names) {
  OpBuilder &ops = model.builder();
  Value logits = model.linear(x, prefix + ".gate", config.count, /*bias=*/false);
  model.weights().requireFinite(prefix + ".gate.weight");
  Value correction;
  if (config.hasCorrection) {
    correction = model.vector(prefix + ".gate.e_score_correction_bias", config.count);
    model.weights().requireFinite(prefix + ".gate.e_score_correction_bias");
  }
  auto route = moe::RouteOp::create(
      ops, logits.getLoc(), config.scoring, logits, correction, static_cast<uint64_t>(config.topK), config.normalized,
      llvm::APFloat(static_cast<float>(config.scale)), static_cast<uint64_t>(config.groups),
      static_cast<uint64_t>(config.topGroups), config.hasPairs);
  ExpertWeights weights(model, config, decoder.shape.hidden, prefix, names);
  Value gateUp = weights.gateUp(), down = weights.down();
  auto experts = moe::ExpertsOp::create(ops, gateUp.getLoc(), x.getType(), x, route.getWeights(), route.getExperts(),
                                        ValueRange{gateUp, down});
  writeExpert(ops, experts, decoder.activation);
  return experts;
}

Value yoke::import::scaleRows(ModelBuilder &model, Value x, Value factors) {
  return moe::ScaleRowsOp::create(model.builder(), factors.getLoc(), x, factors);
}
