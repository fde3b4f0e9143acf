//===- MoEOps.cpp - verifiers and shape inference of the moe dialect ------===//
#include "MoE/MoE.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace yoke::moe;

#define GET_OP_CLASSES
#include "MoE/MoEOps.cpp.inc"

static int64_t columns(Value value) { return cast<RankedTensorType>(value.getType()).getDimSize(1); }

LogicalResult RouteOp::inferReturnTypes(MLIRContext *context, std::optional<Location>, Adaptor adaptor,
                                        SmallVectorImpl<Type> &types) {
  auto logits = cast<RankedTensorType>(adaptor.getLogits().getType());
  int64_t shape[] = {logits.getDimSize(0), static_cast<int64_t>(adaptor.getTopK())};
  types.push_back(RankedTensorType::get(shape, logits.getElementType()));
  types.push_back(RankedTensorType::get(shape, IntegerType::get(context, 32)));
  return success();
}

LogicalResult RouteOp::verify() {
  int64_t topK = static_cast<int64_t>(getTopK()), experts = columns(getLogits());
  if (topK < 1 || topK > experts)
    return emitOpError() << "expected top_k from 1 to the " << experts << " experts that there are, found " << topK;
  int64_t groups = static_cast<int64_t>(getGroups()), topGroups = static_cast<int64_t>(getTopGroups());
  if (groups < 1 || experts % groups != 0)
    return emitOpError() << "expected groups to divide the " << experts << " experts that there are, found " << groups;
  if (topGroups < 1 || topGroups > groups)
    return emitOpError() << "expected top_groups from 1 to the " << groups << " groups that there are, found "
                         << topGroups;
  if (int64_t choice = experts / groups * topGroups; topK > choice)
    return emitOpError() << "expected top_k of at most the " << choice << " experts of top_groups groups, found "
                         << topK;
  if (getPairs() && experts / groups < 2)
    return emitOpError("expected groups of two experts or more with pairs");
  if (getBias() && getScoring() != Scoring::sigmoid)
    return emitOpError("expected a bias with sigmoid scoring only");
  if (getBias() && getBias().getType().getDimSize(0) != experts)
    return emitOpError() << "expected a bias of " << experts << " elements, found "
                         << getBias().getType().getDimSize(0);
  if (!getScale().isFinite())
    return emitOpError() << "expected a finite scale, found " << getScale().convertToDouble();
  return success();
}

LogicalResult ExpertsOp::verify() {
  if (getMatrices().empty())
    return emitOpError("expected at least one matrix an expert");
  int64_t topK = getTopK();
  if (columns(getWeights()) != topK)
    return emitOpError() << "expected one weight for each of the " << topK << " experts of a token, found "
                         << columns(getWeights());
  for (Type type : getMatrices().getTypes())
    if (int64_t count = cast<RankedTensorType>(type).getDimSize(0); count != getCount())
      return emitOpError() << "expected matrices of " << getCount() << " experts as the first ones are, found "
                           << count;
  if (topK < 1 || topK > getCount())
    return emitOpError() << "expected from 1 to " << getCount() << " experts a token, found " << topK;
  return success();
}

LogicalResult ExpertsOp::verifyRegions() {
  Block &block = getBody().front();
  SmallVector<Type> expected = {getX().getType()};
  for (Type type : getMatrices().getTypes()) {
    auto stack = cast<RankedTensorType>(type);
    expected.push_back(RankedTensorType::get(stack.getShape().drop_front(), stack.getElementType()));
  }
  if (block.getArgumentTypes() != TypeRange(expected))
    return emitOpError("expected the region's arguments to be rows of x and the matrices of one expert");
  auto yield = dyn_cast<YieldOp>(block.getTerminator());
  if (!yield || yield.getValue().getType() != getResult().getType())
    return emitOpError("expected the region to end with a moe.yield of the result's type");
  return success();
}

LogicalResult ScaleRowsOp::inferReturnTypes(MLIRContext *, std::optional<Location>, ValueRange operands, DictionaryAttr,
                                            OpaqueProperties, RegionRange, SmallVectorImpl<Type> &types) {
  if (operands.empty())
    return failure();
  types.push_back(operands[0].getType());
  return success();
}

LogicalResult ScaleRowsOp::verify() {
  if (columns(getFactors()) != 1)
    return emitOpError() << "expected factors of one column, found " << columns(getFactors());
  return success();
}
