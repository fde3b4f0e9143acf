//===- LLMConditionalOps.cpp - regions that some rows skip ----------------===//
#include "LLM/LLM.h"

#include "mlir/Transforms/RegionUtils.h"

using namespace mlir;
using namespace yoke::llm;

/// Values other than weights and constants: rows, ids, a batch, a cache.
static bool isOfAStep(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return isa<BatchType, KVCacheType>(type) || (tensor && !tensor.hasStaticShape());
}

/// Fails unless the region reads no value of a step from outside.
static LogicalResult expectWeightsOnly(Operation *op, Region &region) {
  LogicalResult result = success();
  visitUsedValuesDefinedAbove(region, [&](OpOperand *use) {
    if (isOfAStep(use->get().getType()) && succeeded(result))
      result = op->emitOpError("expected a region that reads only its own rows and weights, found a use of ")
               << use->get().getType() << " by " << use->getOwner()->getName();
  });
  return result;
}

LogicalResult FfnSkipOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  types.push_back(adaptor.getX().getType());
  types.push_back(adaptor.getPositions().getType());
  return success();
}

LogicalResult FfnSkipOp::verify() {
  if (!getX().getType().getElementType().isF32())
    return emitOpError() << "expected rows of f32, found " << getX().getType();
  if (int64_t warmUp = static_cast<int64_t>(getWarmUp()); warmUp < 0)
    return emitOpError() << "expected warm_up of 0 or more, found " << warmUp;
  if (int64_t k = static_cast<int64_t>(getK()); k < 1)
    return emitOpError() << "expected k of at least 1, found " << k;
  if (!getTau().isFinite())
    return emitOpError() << "expected a finite tau, found " << getTau().convertToDouble();
  return success();
}

LogicalResult FfnSkipOp::verifyRegions() {
  Block &block = getBody().front();
  if (block.getArgumentTypes() != TypeRange(getX().getType()))
    return emitOpError("expected the region's one argument to be rows of x");
  auto yield = dyn_cast<YieldOp>(block.getTerminator());
  if (!yield || yield.getValues().getTypes() != TypeRange(getX().getType()))
    return emitOpError("expected the region to end with an llm.yield of x's type");
  return expectWeightsOnly(*this, getBody());
}
