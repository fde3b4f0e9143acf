//===- ModelBuilder.cpp - the step function of a model --------------------===//
#include "Import/ModelBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace yoke;
using namespace yoke::import;

static int64_t columns(Value x) { return cast<RankedTensorType>(x.getType()).getDimSize(1); }

static RankedTensorType rows(OpBuilder &ops, int64_t columns) {
  return RankedTensorType::get({ShapedType::kDynamic, columns}, ops.getF32Type());
}

ModelBuilder::ModelBuilder(MLIRContext &context, const Checkpoint &checkpoint, const ImportOptions &options,
                           StringRef basePrefix)
    : source(checkpoint), importOptions(options), moduleOp(ModuleOp::create(UnknownLoc::get(&context))),
      table(*moduleOp, checkpoint, options.weightType, basePrefix), ops(&context), location(UnknownLoc::get(&context)) {
}

Status ModelBuilder::begin(ConfigReader &config, const ModelShape &shape) {
  // Each layer has tensors of its own: bounds the size of the program by that of the checkpoint.
  config.require(
      shape.layers <= static_cast<int64_t>(source.tensors().size()), "num_hidden_layers",
      fmt::format("{} layers, but the checkpoint has only {} tensors", shape.layers, source.tensors().size()));
  YOKE_TRY(config.finish(importOptions.warnings));

  modelShape = shape;
  MLIRContext *context = ops.getContext();
  SmallVector<Type> arguments = {RankedTensorType::get({ShapedType::kDynamic}, ops.getI32Type()),
                                 llm::BatchType::get(context)};
  if (shape.kvHeads)
    arguments.push_back(llm::KVCacheType::get(context, shape.layers + shape.stateLayers, shape.kvHeads, shape.headDim,
                                              ops.getF32Type()));
  openFunction("step", arguments);
  step = function;
  table.insertBefore(step);
  return {};
}

/// Arguments are told apart by their types.
void ModelBuilder::openFunction(StringRef name, ArrayRef<Type> arguments) {
  ops.setInsertionPointToEnd(moduleOp->getBody());
  function = func::FuncOp::create(ops, location, name, FunctionType::get(ops.getContext(), arguments, {}));
  Block *body = function.addEntryBlock();
  ops.setInsertionPointToStart(body);
  tokenIds = batch = cache = positionIds = {};
  loads.clear();
  ropeTables.clear();
  for (BlockArgument argument : body->getArguments()) {
    if (isa<llm::BatchType>(argument.getType()))
      batch = argument;
    else if (isa<llm::KVCacheType>(argument.getType()))
      cache = argument;
    else if (cast<RankedTensorType>(argument.getType()).getElementType().isInteger(32))
      tokenIds = argument;
  }
}

Value ModelBuilder::beginDraft(StringRef name, const DraftFunction &shape, WeightTable &weights) {
  MLIRContext *context = ops.getContext();
  SmallVector<Type> arguments = {rows(ops, shape.features)};
  if (shape.tokensPerRow)
    arguments.push_back(RankedTensorType::get({ShapedType::kDynamic}, ops.getI32Type()));
  if (shape.kvHeads) {
    arguments.push_back(llm::BatchType::get(context));
    arguments.push_back(llm::KVCacheType::get(context, /*layers=*/1, shape.kvHeads, shape.headDim, ops.getF32Type()));
  }
  openFunction(name, arguments);
  if (shape.tokensPerRow.value_or(1) != 1)
    function.setArgAttr(1, "llm.tokens_per_row", ops.getI64IntegerAttr(*shape.tokensPerRow));
  current = &weights;
  return function.getArgument(0);
}

Value ModelBuilder::atStepEnd(function_ref<Value()> build) {
  OpBuilder::InsertionGuard guard(ops);
  ops.setInsertionPoint(step.getBody().front().getTerminator());
  return build();
}

void ModelBuilder::addStepResult(Value rows) {
  Operation *end = step.getBody().front().getTerminator();
  SmallVector<Value> results(end->getOperands());
  results.insert(results.begin() + 1, rows);
  end->setOperands(results);
  step.setType(FunctionType::get(ops.getContext(), step.getArgumentTypes(), TypeRange(ValueRange(results))));
}

Value ModelBuilder::positions() {
  if (!positionIds)
    positionIds = llm::PositionsOp::create(ops, location, tokenIds.getType(), batch);
  return positionIds;
}

Value ModelBuilder::modalities(ArrayRef<std::pair<int64_t, int64_t>> ranges) {
  SmallVector<int64_t> begins(llvm::make_first_range(ranges)), ends(llvm::make_second_range(ranges)),
      numbers(ranges.size(), 1);
  return llm::ModalitiesOp::create(ops, location, tokenIds.getType(), tokenIds, begins, ends, numbers);
}

Value ModelBuilder::segments(int64_t open, int64_t close) {
  auto op = llm::SegmentsOp::create(ops, location, tokenIds, batch, cache, static_cast<uint64_t>(modelShape.layers),
                                    ArrayRef(open), ArrayRef(close), ArrayRef<int64_t>{1});
  cache = op.getNewCache();
  return op.getModalities();
}

Value ModelBuilder::load(ml_program::GlobalOp global) {
  Value &value = loads[global.getSymName()];
  if (!value)
    value = ml_program::GlobalLoadConstOp::create(ops, global.getLoc(), global.getType(),
                                                  FlatSymbolRefAttr::get(global.getSymNameAttr()));
  return value;
}

Value ModelBuilder::matrix(StringRef name, int64_t rows, int64_t columns) {
  return part(name, {rows, columns}, name, {rows, columns}, Rows::range(0, rows));
}

Value ModelBuilder::vector(StringRef name, int64_t size) {
  return part(name, {size}, name, {size}, Rows::range(0, size));
}

Value ModelBuilder::part(StringRef name, ArrayRef<int64_t> shape, StringRef tensor, ArrayRef<int64_t> tensorShape,
                         const Rows &rows) {
  return load(current->declare(name, shape, tensor, tensorShape, rows));
}

Value ModelBuilder::stack(StringRef name, ArrayRef<int64_t> shape, ArrayRef<TensorRows> parts) {
  return load(current->declare(name, shape, parts));
}

ml_program::GlobalOp ModelBuilder::globalOf(Value value) {
  auto load = value ? value.getDefiningOp<ml_program::GlobalLoadConstOp>() : nullptr;
  return load ? moduleOp->lookupSymbol<ml_program::GlobalOp>(load.getGlobalAttr().getLeafReference()) : nullptr;
}

Value ModelBuilder::embedding(Value ids, Value weight, int64_t offset) {
  if (!tableGlobal)
    tableGlobal = globalOf(weight);
  return llm::EmbeddingOp::create(ops, weight.getLoc(), rows(ops, columns(weight)), ids, weight, offset);
}

Value ModelBuilder::linear(Value x, Value weight, Value bias) {
  return llm::LinearOp::create(ops, weight.getLoc(), x, weight, bias, TypeAttr());
}

Value ModelBuilder::linear(Value x, StringRef name, int64_t out, bool bias) {
  Value weight = matrix((name + ".weight").str(), out, columns(x));
  return linear(x, weight, bias ? vector((name + ".bias").str(), out) : Value());
}

Value ModelBuilder::headLinear(Value x, Value weight, int64_t first) {
  return llm::HeadLinearOp::create(ops, weight.getLoc(), x, weight, static_cast<uint64_t>(first));
}

Value ModelBuilder::concatHeads(Value a, Value b, int64_t heads) {
  return llm::ConcatHeadsOp::create(ops, b.getLoc(), a, b, static_cast<uint64_t>(heads));
}

Value ModelBuilder::concatColumns(ArrayRef<Value> parts) {
  Value all = parts.front();
  for (Value part : parts.drop_front())
    all = concatHeads(all, part, 1);
  return all;
}

Value ModelBuilder::columnRange(Value x, int64_t first, int64_t count) {
  Value rowCount = tensor::DimOp::create(ops, x.getLoc(), x, arith::ConstantIndexOp::create(ops, x.getLoc(), 0));
  SmallVector<OpFoldResult> offsets = {ops.getIndexAttr(0), ops.getIndexAttr(first)};
  SmallVector<OpFoldResult> sizes = {rowCount, ops.getIndexAttr(count)};
  SmallVector<OpFoldResult> strides(2, ops.getIndexAttr(1));
  return tensor::ExtractSliceOp::create(ops, x.getLoc(), rows(ops, count), x, offsets, sizes, strides);
}

Value ModelBuilder::reshapeRows(Value x, int64_t columns) {
  return llm::ReshapeRowsOp::create(ops, x.getLoc(), rows(ops, columns), x);
}

Value ModelBuilder::rmsNorm(Value x, StringRef name, int64_t size, double epsilon, float scaleOffset) {
  Value scale = vector((name + ".weight").str(), size);
  return llm::RmsNormOp::create(ops, scale.getLoc(), x, scale, ops.getF32FloatAttr(static_cast<float>(epsilon)),
                                ops.getF32FloatAttr(scaleOffset));
}

Value ModelBuilder::ones(int64_t size) { return load(current->declareOnes(size)); }

Value ModelBuilder::layerNorm(Value x, StringRef name, double epsilon, bool affine) {
  Value scale = affine ? vector((name + ".weight").str(), columns(x)) : ones(columns(x));
  Value bias = affine ? vector((name + ".bias").str(), columns(x)) : Value();
  return llm::LayerNormOp::create(ops, scale.getLoc(), x, scale, bias,
                                  ops.getF32FloatAttr(static_cast<float>(epsilon)));
}

Value ModelBuilder::activation(llm::ActivationKind kind, Value x) {
  return llm::ActivationOp::create(ops, x.getLoc(), kind, x);
}

Value ModelBuilder::gated(llm::ActivationKind kind, Value gate, Value up) {
  return llm::GatedOp::create(ops, gate.getLoc(), kind, gate, up);
}

Value ModelBuilder::add(Value a, Value b) { return arith::AddFOp::create(ops, b.getLoc(), a, b); }

Value ModelBuilder::addVector(Value x, Value vector) {
  return llm::BiasOp::create(ops, vector.getLoc(), x.getType(), x, vector);
}

Value ModelBuilder::scale(Value x, double factor) {
  return llm::ScaleOp::create(ops, x.getLoc(), x, ops.getF32FloatAttr(static_cast<float>(factor)));
}

Value ModelBuilder::softcap(Value x, double cap) {
  return llm::SoftcapOp::create(ops, x.getLoc(), x, ops.getF32FloatAttr(static_cast<float>(cap)));
}

Value ModelBuilder::rotate(Value x, const Rope &rope, int64_t headDim) {
  if (rope.frequencies.empty())
    return x;
  auto attribute = llm::RopeAttr::get(ops.getContext(), rope.frequencies, rope.magnitude, rope.longFrequencies,
                                      rope.longFrequencies.empty() ? 1.0f : rope.magnitude, rope.longFrom);
  Value &angles = ropeTables[attribute];
  if (!angles) {
    OpBuilder::InsertionGuard guard(ops);
    ops.setInsertionPointToStart(&function.getBody().front());
    angles = llm::RopeTableOp::create(ops, location, batch, attribute);
  }
  return llm::RopeOp::create(ops, x.getLoc(), x, angles, headDim);
}

Value ModelBuilder::attention(Value q, Value k, Value v, const AttentionShape &shape) {
  auto mask = cache ? llm::AttentionMask::causal : llm::AttentionMask::bidirectional;
  auto op =
      llm::AttentionOp::create(ops, q.getLoc(), q, k, v, batch, cache, ops.getI64IntegerAttr(shape.heads),
                               ops.getI64IntegerAttr(shape.kvHeads), ops.getF32FloatAttr(shape.scale),
                               ops.getI64IntegerAttr(shape.layer), llm::AttentionMaskAttr::get(ops.getContext(), mask),
                               shape.window ? ops.getI64IntegerAttr(*shape.window) : IntegerAttr(),
                               shape.softcap ? ops.getF32FloatAttr(static_cast<float>(*shape.softcap)) : FloatAttr());
  if (cache)
    cache = op.getNewCache();
  return op.getResult();
}

Value ModelBuilder::lmHead(Value x, Value weight, Value bias) {
  if (function == step) {
    hiddenRows = x;
    headGlobal = globalOf(weight);
    headBiasGlobal = globalOf(bias);
  }
  return llm::LmHeadOp::create(ops, weight.getLoc(), x, weight, batch, bias, TypeAttr());
}

Value ModelBuilder::pool(llm::PoolKind kind, Value x, bool normalize) {
  return llm::PoolOp::create(ops, location, kind, x, batch, normalize);
}

void ModelBuilder::finish(ValueRange rows) {
  SmallVector<Value> results(rows);
  if (cache)
    results.push_back(cache);
  func::ReturnOp::create(ops, location, results);
  function.setType(FunctionType::get(ops.getContext(), function.getArgumentTypes(), TypeRange(ValueRange(results))));
}
