//===- LLMTiling.cpp - llm ops for upstream's tiling and fusion -----------===//
#include "LLM/LLMTiling.h"

#include "LLM/LLM.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Interfaces/TilingInterface.h"

using namespace mlir;
using namespace yoke::llm;

namespace {

/// How each dimension of an operand follows the loops (rows, columns) of its op.
enum class Follows { Rows, Columns, Nothing };

/// The loops of an op and what they do to its operands. Results are always rows x columns.
struct LoopShape {
  bool tilesColumns;
  /// For each operand, for each of its dimensions.
  SmallVector<SmallVector<Follows>> operands;
};

LoopShape loopShape(Operation *op) {
  LoopShape shape{.tilesColumns = true, .operands = {}};
  if (isa<LinearOp>(op)) {
    shape.operands = {{Follows::Rows, Follows::Nothing}, {Follows::Columns, Follows::Nothing}, {Follows::Columns}};
  } else if (isa<ActivationOp, GatedOp, ScaleOp, SoftcapOp>(op)) {
    shape.operands.assign(op->getNumOperands(), {Follows::Rows, Follows::Columns});
  } else if (isa<BiasOp>(op)) {
    shape.operands = {{Follows::Rows, Follows::Columns}, {Follows::Columns}};
  } else {
    shape.tilesColumns = false;
    if (isa<EmbeddingOp>(op))
      shape.operands = {{Follows::Rows}, {Follows::Nothing, Follows::Nothing}};
    else if (isa<RopeOp>(op))
      shape.operands = {{Follows::Rows, Follows::Nothing}, {Follows::Rows, Follows::Nothing}};
    else // norms: the rows, then scale and bias
      shape.operands = {{Follows::Rows, Follows::Nothing}, {Follows::Nothing}, {Follows::Nothing}};
  }
  shape.operands.resize(op->getNumOperands());
  return shape;
}

OpFoldResult resultDim(OpBuilder &builder, Operation *op, int64_t dim) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  if (!type.isDynamicDim(dim))
    return builder.getIndexAttr(type.getDimSize(dim));
  // Only rows are dynamic, and they are those of the first operand.
  return tensor::getMixedSize(builder, op->getLoc(), op->getOperand(0), 0);
}

/// The part of an operand that a tile of loops reads.
Value slice(OpBuilder &builder, Location loc, Value operand, ArrayRef<Follows> follows, ArrayRef<OpFoldResult> offsets,
            ArrayRef<OpFoldResult> sizes, SmallVectorImpl<Operation *> &slices) {
  if (llvm::all_of(follows,
                   [&](Follows f) { return f == Follows::Nothing || (f == Follows::Columns && offsets.size() < 2); }))
    return operand;
  SmallVector<OpFoldResult> from, count;
  for (auto [dim, f] : llvm::enumerate(follows)) {
    size_t loop = f == Follows::Rows ? 0 : 1;
    bool follow = f != Follows::Nothing && loop < offsets.size();
    from.push_back(follow ? offsets[loop] : builder.getIndexAttr(0));
    count.push_back(follow ? sizes[loop] : tensor::getMixedSize(builder, loc, operand, static_cast<int64_t>(dim)));
  }
  SmallVector<OpFoldResult> strides(follows.size(), builder.getIndexAttr(1));
  auto op = tensor::ExtractSliceOp::create(builder, loc, operand, from, count, strides);
  slices.push_back(op);
  return op;
}

template <typename OpTy> struct Tiling : TilingInterface::ExternalModel<Tiling<OpTy>, OpTy> {
  SmallVector<utils::IteratorType> getLoopIteratorTypes(Operation *op) const {
    return SmallVector<utils::IteratorType>(loopShape(op).tilesColumns ? 2 : 1, utils::IteratorType::parallel);
  }

  SmallVector<Range> getIterationDomain(Operation *op, OpBuilder &builder) const {
    SmallVector<Range> domain;
    for (int64_t dim = 0; dim < (loopShape(op).tilesColumns ? 2 : 1); ++dim)
      domain.push_back({builder.getIndexAttr(0), resultDim(builder, op, dim), builder.getIndexAttr(1)});
    return domain;
  }

  FailureOr<TilingResult> getTiledImplementation(Operation *op, OpBuilder &builder, ArrayRef<OpFoldResult> offsets,
                                                 ArrayRef<OpFoldResult> sizes) const {
    LoopShape shape = loopShape(op);
    TilingResult result;
    SmallVector<Value> operands;
    for (auto [operand, follows] : llvm::zip(op->getOperands(), shape.operands))
      operands.push_back(slice(builder, op->getLoc(), operand, follows, offsets, sizes, result.generatedSlices));
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    SmallVector<int64_t> dims(type.getShape());
    for (auto [dim, size] : llvm::enumerate(sizes))
      dims[dim] = getConstantIntValue(size).value_or(ShapedType::kDynamic);
    Operation *tiled = mlir::clone(builder, op, type.clone(dims), operands);
    result.tiledOps = {tiled};
    result.tiledValues = {tiled->getResult(0)};
    return result;
  }

  LogicalResult getResultTilePosition(Operation *op, OpBuilder &builder, unsigned, ArrayRef<OpFoldResult> offsets,
                                      ArrayRef<OpFoldResult> sizes, SmallVector<OpFoldResult> &resultOffsets,
                                      SmallVector<OpFoldResult> &resultSizes) const {
    resultOffsets.assign(offsets.begin(), offsets.end());
    resultSizes.assign(sizes.begin(), sizes.end());
    if (offsets.size() == 1) {
      resultOffsets.push_back(builder.getIndexAttr(0));
      resultSizes.push_back(resultDim(builder, op, 1));
    }
    return success();
  }

  LogicalResult getIterationDomainTileFromResultTile(Operation *op, OpBuilder &, unsigned,
                                                     ArrayRef<OpFoldResult> offsets, ArrayRef<OpFoldResult> sizes,
                                                     SmallVectorImpl<OpFoldResult> &domainOffsets,
                                                     SmallVectorImpl<OpFoldResult> &domainSizes) const {
    size_t loops = loopShape(op).tilesColumns ? 2 : 1;
    // An op that needs whole rows cannot make a part of their columns.
    if (loops == 1 &&
        (!isZeroInteger(offsets[1]) ||
         getConstantIntValue(sizes[1]) != cast<RankedTensorType>(op->getResult(0).getType()).getDimSize(1)))
      return failure();
    domainOffsets.assign(offsets.begin(), offsets.begin() + loops);
    domainSizes.assign(sizes.begin(), sizes.begin() + loops);
    return success();
  }

  FailureOr<TilingResult> generateResultTileValue(Operation *op, OpBuilder &builder, unsigned number,
                                                  ArrayRef<OpFoldResult> offsets, ArrayRef<OpFoldResult> sizes) const {
    SmallVector<OpFoldResult> domainOffsets, domainSizes;
    if (failed(getIterationDomainTileFromResultTile(op, builder, number, offsets, sizes, domainOffsets, domainSizes)))
      return failure();
    return getTiledImplementation(op, builder, domainOffsets, domainSizes);
  }
};

template <typename OpTy> struct Reify : ReifyRankedShapedTypeOpInterface::ExternalModel<Reify<OpTy>, OpTy> {
  LogicalResult reifyResultShapes(Operation *op, OpBuilder &builder, ReifiedRankedShapedTypeDims &shapes) const {
    shapes.push_back({resultDim(builder, op, 0), resultDim(builder, op, 1)});
    return success();
  }
};

template <typename... Ops> void attach(MLIRContext *context) {
  (Ops::template attachInterface<Tiling<Ops>, Reify<Ops>>(*context), ...);
}

} // namespace

void yoke::llm::registerTilingInterfaceExternalModels(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, LLMDialect *) {
    attach<LinearOp, ActivationOp, GatedOp, ScaleOp, SoftcapOp, BiasOp, RmsNormOp, LayerNormOp, RopeOp, EmbeddingOp>(
        context);
  });
}
