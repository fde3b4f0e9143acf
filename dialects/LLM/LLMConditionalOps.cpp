//===- LLMConditionalOps.cpp - regions that are computed for some rows ----===//
#include "LLM/LLM.h"

#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SmallSet.h"

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

/// The largest number of a modality: 16-bit elements of a cache hold it.
static constexpr int64_t maxModality = 255;

template <typename OpTy> static LogicalResult verifyNumbers(OpTy op) {
  for (int64_t number : op.getNumbers())
    if (number < 1 || number > maxModality)
      return op.emitOpError() << "expected numbers from 1 to " << maxModality << ", found " << number;
  return success();
}

LogicalResult ModalitiesOp::verify() {
  ArrayRef<int64_t> begins = getBegins(), ends = getEnds(), numbers = getNumbers();
  if (ends.size() != begins.size() || numbers.size() != begins.size())
    return emitOpError() << "expected an end and a number for each of " << begins.size() << " begins, found "
                         << ends.size() << " ends and " << numbers.size() << " numbers";
  int64_t free = 0;
  for (auto [begin, end, number] : llvm::zip_equal(begins, ends, numbers)) {
    if (begin < free || end <= begin || end > int64_t(1) << 31)
      return emitOpError() << "expected ranges of ids in order that do not overlap, found " << begin << " to " << end;
    free = end;
  }
  return verifyNumbers(*this);
}

LogicalResult SegmentsOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor adaptor,
                                           SmallVectorImpl<Type> &types) {
  types.push_back(adaptor.getTokens().getType());
  types.push_back(adaptor.getCache().getType());
  return success();
}

LogicalResult SegmentsOp::verify() {
  ArrayRef<int64_t> opens = getOpens(), closes = getCloses(), numbers = getNumbers();
  if (opens.empty() || closes.size() != opens.size() || numbers.size() != opens.size())
    return emitOpError() << "expected a token that closes and a number for each of at least one that opens, found "
                         << opens.size() << " opens, " << closes.size() << " closes and " << numbers.size()
                         << " numbers";
  llvm::SmallSet<int64_t, 8> markers;
  for (int64_t marker : llvm::concat<const int64_t>(opens, closes))
    if (marker < 0 || marker >= int64_t(1) << 31 || !markers.insert(marker).second)
      return emitOpError() << "expected markers that are ids and differ, found " << marker;
  int64_t layer = static_cast<int64_t>(getLayer()), layers = cast<KVCacheType>(getCache().getType()).getLayers();
  if (layer < 0 || layer >= layers)
    return emitOpError() << "expected a layer below the cache's " << layers << ", found " << layer;
  return verifyNumbers(*this);
}

/// The numbers that an op gives tokens besides 0; nothing for another op.
static std::optional<ArrayRef<int64_t>> numbersOf(Value modalities) {
  if (auto op = modalities.getDefiningOp<ModalitiesOp>())
    return op.getNumbers();
  if (auto op = modalities.getDefiningOp<SegmentsOp>())
    return op.getNumbers();
  return std::nullopt;
}

LogicalResult ByModalityOp::verify() {
  if (getBodies().empty())
    return emitOpError("expected a region for each modality, found none");
  for (TypeRange types : {TypeRange(getInputs()), TypeRange(getOutputs())})
    for (Type type : types)
      if (!cast<RankedTensorType>(type).getElementType().isF32())
        return emitOpError() << "expected rows of f32, found " << type;
  if (auto numbers = numbersOf(getModalities()))
    for (int64_t number : *numbers)
      if (number >= static_cast<int64_t>(getBodies().size()))
        return emitOpError() << "expected a region for modality " << number << ", found " << getBodies().size()
                             << " regions";
  return success();
}

LogicalResult ByModalityOp::verifyRegions() {
  for (auto [number, region] : llvm::enumerate(getBodies())) {
    Block &block = region.front();
    if (block.getArgumentTypes() != getInputs().getTypes())
      return emitOpError() << "expected arguments of the inputs' types in region " << number;
    auto yield = dyn_cast<YieldOp>(block.getTerminator());
    if (!yield || yield.getValues().getTypes() != getOutputs().getTypes())
      return emitOpError() << "expected region " << number << " to end with an llm.yield of the outputs' types";
    if (failed(expectWeightsOnly(*this, region)))
      return failure();
  }
  return success();
}

namespace {
/// Where every row goes through the same ops, those ops stand alone.
struct InlineOnlyModality : OpRewritePattern<ByModalityOp> {
  using Base::Base;
  LogicalResult matchAndRewrite(ByModalityOp op, PatternRewriter &rewriter) const override {
    MutableArrayRef<Region> bodies = op.getBodies();
    auto numbers = numbersOf(op.getModalities());
    bool isOnly = bodies.size() == 1 || (numbers && numbers->empty());
    if (!isOnly && !llvm::all_of(bodies.drop_front(), [&](Region &body) {
          return OperationEquivalence::isRegionEquivalentTo(&bodies.front(), &body,
                                                            OperationEquivalence::IgnoreLocations);
        }))
      return rewriter.notifyMatchFailure(op, "rows of several modalities differ in what is made of them");
    Block &body = bodies.front().front();
    SmallVector<Value> results(body.getTerminator()->getOperands());
    // Operands that are arguments of the region stand for inputs.
    for (Value &result : results)
      if (auto argument = dyn_cast<BlockArgument>(result); argument && argument.getOwner() == &body)
        result = op.getInputs()[argument.getArgNumber()];
    rewriter.eraseOp(body.getTerminator());
    rewriter.inlineBlockBefore(&body, op, op.getInputs());
    rewriter.replaceOp(op, results);
    return success();
  }
};
} // namespace

void ByModalityOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<InlineOnlyModality>(context);
}
