//===- LLMOps.cpp - verifiers and shape inference of the llm dialect ------===//
#include "LLM/LLM.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace yoke::llm;

#define GET_OP_CLASSES
#include "LLM/LLMOps.cpp.inc"

/// Columns of rows of activations or of a matrix.
static int64_t columns(Value value) { return cast<RankedTensorType>(value.getType()).getDimSize(1); }

static int64_t elements(Value value) { return cast<RankedTensorType>(value.getType()).getDimSize(0); }

static Type rowsOf(Type like, int64_t columns) {
  auto type = cast<RankedTensorType>(like);
  return RankedTensorType::get({type.getDimSize(0), columns}, type.getElementType());
}

static LogicalResult expectElements(Operation *op, StringRef what, Value vector, int64_t expected) {
  if (!vector || elements(vector) == expected)
    return success();
  return op->emitOpError() << "expected a " << what << " of " << expected << " elements, found " << elements(vector);
}

static LogicalResult expectNotNegative(Operation *op, StringRef what, const APFloat &value) {
  if (value.isNegative() || value.isNaN())
    return op->emitOpError() << "expected " << what << " to be zero or more, found " << value.convertToDouble();
  return success();
}

static LogicalResult expectPositive(Operation *op, StringRef what, const APFloat &value) {
  if (value.isNegative() || value.isZero() || value.isNaN())
    return op->emitOpError() << "expected " << what << " to be positive, found " << value.convertToDouble();
  return success();
}

//===----------------------------------------------------------------------===//
// Entry
//===----------------------------------------------------------------------===//

LogicalResult EmbeddingOp::verify() {
  if (columns(getTable()) != columns(getResult()))
    return emitOpError() << "expected a result of " << columns(getTable()) << " columns as the table has, found "
                         << columns(getResult());
  return success();
}

LogicalResult RopeTableOp::inferReturnTypes(MLIRContext *context, std::optional<Location>, Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  types.push_back(
      RankedTensorType::get({ShapedType::kDynamic, adaptor.getRope().getDims()}, Float32Type::get(context)));
  return success();
}

//===----------------------------------------------------------------------===//
// Projections
//===----------------------------------------------------------------------===//

LogicalResult LinearOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  types.push_back(rowsOf(adaptor.getX().getType(), elements(adaptor.getWeight())));
  return success();
}

LogicalResult HeadLinearOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                             SmallVectorImpl<Type> &types) {
  types.push_back(rowsOf(adaptor.getX().getType(), elements(adaptor.getWeight()) * columns(adaptor.getWeight())));
  return success();
}

LogicalResult LmHeadOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  auto x = cast<RankedTensorType>(adaptor.getX().getType());
  types.push_back(RankedTensorType::get({ShapedType::kDynamic, elements(adaptor.getWeight())}, x.getElementType()));
  return success();
}

template <typename ProjectionOp> static LogicalResult verifyProjection(ProjectionOp op) {
  int64_t inputs = columns(op.getX());
  if (columns(op.getWeight()) != inputs)
    return op.emitOpError() << "expected a weight of " << inputs << " columns as x has, found "
                            << columns(op.getWeight());
  if (std::optional<Type> rounded = op.getXType()) {
    Type element = op.getWeight().getType().getElementType();
    bool fits = isa<QuantType>(element) ? rounded->isInteger(8) || rounded->isInteger(16)
                                        : element.isBF16() && rounded->isBF16();
    if (!fits)
      return op.emitOpError() << "expected an x_type of bf16 for a bf16 weight, i8 or i16 for a quantised one, found "
                              << *rounded << " for " << element;
  }
  return expectElements(op, "bias", op.getBias(), elements(op.getWeight()));
}

LogicalResult HeadLinearOp::verify() {
  int64_t heads = elements(getWeight()), first = static_cast<int64_t>(getFirst());
  if (heads < 1 || columns(getX()) % heads != 0)
    return emitOpError() << "expected a matrix for each head of x's " << columns(getX()) << " columns, found " << heads;
  int64_t width = columns(getX()) / heads, inputs = getWeight().getType().getDimSize(2);
  if (first < 0 || first > width - inputs)
    return emitOpError() << "expected " << inputs << " columns from first on of heads of " << width
                         << ", found first = " << first;
  return success();
}

LogicalResult LinearOp::verify() { return verifyProjection(*this); }
LogicalResult LmHeadOp::verify() { return verifyProjection(*this); }

//===----------------------------------------------------------------------===//
// Row by row
//===----------------------------------------------------------------------===//

LogicalResult RmsNormOp::verify() {
  if (elements(getScale()) == 0 || columns(getX()) % elements(getScale()) != 0)
    return emitOpError() << "expected a scale whose size divides the " << columns(getX()) << " columns of x, found "
                         << elements(getScale());
  return expectNotNegative(*this, "epsilon", getEpsilon());
}

LogicalResult LayerNormOp::verify() {
  if (failed(expectElements(*this, "scale", getScale(), columns(getX()))) ||
      failed(expectElements(*this, "bias", getBias(), columns(getX()))))
    return failure();
  return expectNotNegative(*this, "epsilon", getEpsilon());
}

LogicalResult SoftcapOp::verify() { return expectPositive(*this, "cap", getCap()); }

LogicalResult BiasOp::verify() { return expectElements(*this, "vector", getVector(), columns(getX())); }

LogicalResult ConcatHeadsOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                              SmallVectorImpl<Type> &types) {
  types.push_back(rowsOf(adaptor.getA().getType(), columns(adaptor.getA()) + columns(adaptor.getB())));
  return success();
}

LogicalResult ConcatHeadsOp::verify() {
  int64_t heads = static_cast<int64_t>(getHeads());
  for (auto [name, value] : {std::pair<StringRef, Value>("a", getA()), std::pair<StringRef, Value>("b", getB())})
    if (heads < 1 || columns(value) % heads != 0)
      return emitOpError() << "expected heads to divide the " << columns(value) << " columns of " << name << ", found "
                           << heads;
  if (getA().getType().getElementType() != getB().getType().getElementType())
    return emitOpError("expected a and b of the same element type");
  return success();
}

LogicalResult ReshapeRowsOp::verify() {
  int64_t before = columns(getX()), after = columns(getResult());
  if (before == 0 || after == 0 || (before % after != 0 && after % before != 0))
    return emitOpError() << "expected columns of which one number divides the other, found " << before << " and "
                         << after;
  if (getX().getType().getElementType() != getResult().getType().getElementType())
    return emitOpError("expected x and the result of the same element type");
  return success();
}

LogicalResult RopeOp::verify() {
  int64_t headDim = static_cast<int64_t>(getHeadDim());
  if (headDim < 1 || columns(getX()) % headDim != 0)
    return emitOpError() << "expected head_dim to divide the " << columns(getX()) << " columns of x, found " << headDim;
  int64_t dims = columns(getTable());
  if (dims % 2 != 0 || dims > headDim)
    return emitOpError() << "expected a table of an even number of columns up to head_dim = " << headDim << ", found "
                         << dims;
  return success();
}

//===----------------------------------------------------------------------===//
// Across a sequence
//===----------------------------------------------------------------------===//

LogicalResult AttentionOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  types.push_back(adaptor.getQ().getType());
  if (adaptor.getCache())
    types.push_back(adaptor.getCache().getType());
  return success();
}

LogicalResult AttentionOp::verify() {
  int64_t heads = static_cast<int64_t>(getHeads()), kvHeads = static_cast<int64_t>(getKvHeads());
  if (kvHeads < 1 || heads < 1 || heads % kvHeads != 0)
    return emitOpError() << "expected kv_heads to divide heads = " << heads << ", found " << kvHeads;
  if (columns(getQ()) % heads != 0)
    return emitOpError() << "expected heads to divide the " << columns(getQ()) << " columns of q, found " << heads;
  int64_t headDim = getHeadDim();
  for (auto [name, value] : {std::pair<StringRef, Value>("k", getK()), std::pair<StringRef, Value>("v", getV())})
    if (columns(value) != kvHeads * headDim)
      return emitOpError() << "expected " << name << " to have " << kvHeads << " heads of " << headDim << " = "
                           << kvHeads * headDim << " columns, found " << columns(value);
  if (getWindow() && static_cast<int64_t>(*getWindow()) < 1)
    return emitOpError() << "expected a window of at least one token, found " << static_cast<int64_t>(*getWindow());
  if (getSoftcap() && failed(expectPositive(*this, "softcap", *getSoftcap())))
    return failure();
  if (getMask() == AttentionMask::bidirectional && (getCache() || getWindow()))
    return emitOpError("expected no cache and no window with a bidirectional mask");
  if (!getCache())
    return success();
  auto cache = cast<KVCacheType>(getCache().getType());
  if (cache.getHeads() != kvHeads || cache.getHeadDim() != headDim)
    return emitOpError() << "expected a cache of " << kvHeads << " heads of " << headDim << ", found "
                         << cache.getHeads() << " of " << cache.getHeadDim();
  int64_t layer = static_cast<int64_t>(getLayer());
  if (layer < 0 || layer >= cache.getLayers())
    return emitOpError() << "expected a layer below the cache's " << cache.getLayers() << ", found " << layer;
  return success();
}

//===----------------------------------------------------------------------===//
// Fusion
//===----------------------------------------------------------------------===//

LogicalResult FusedOp::verifyRegions() {
  Block &block = getBody().front();
  if (block.getArgumentTypes() != getInputs().getTypes())
    return emitOpError("expected the region's arguments to have the types of the inputs");
  auto yield = dyn_cast<YieldOp>(block.getTerminator());
  if (!yield || yield.getValues().getTypes() != getOutputs().getTypes())
    return emitOpError("expected the region to end with an llm.yield of the outputs' types");
  return success();
}
