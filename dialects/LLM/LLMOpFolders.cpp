//===- LLMOpFolders.cpp - folders and canonical forms of the llm dialect --===//
#include "LLM/LLM.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace yoke::llm;

/// relu(relu(x)) is relu(x).
OpFoldResult ActivationOp::fold(FoldAdaptor) {
  auto inner = getX().getDefiningOp<ActivationOp>();
  if (inner && getKind() == ActivationKind::relu && inner.getKind() == ActivationKind::relu)
    return inner.getResult();
  return {};
}

/// Rows of rows are rows.
OpFoldResult ReshapeRowsOp::fold(FoldAdaptor) {
  if (getX().getType() == getType())
    return getX();
  auto inner = getX().getDefiningOp<ReshapeRowsOp>();
  if (inner && inner.getX().getType() == getType())
    return inner.getX();
  return {};
}

/// A factor of one is no scale.
OpFoldResult ScaleOp::fold(FoldAdaptor) {
  if (getFactor().isExactlyValue(1.0))
    return getX();
  return {};
}

namespace {
/// scale(scale(x, a), b) is scale(x, a * b) where the product of the factors is exact, so that no value changes by more
/// than the rounding which the second product had.
struct MergeScales : OpRewritePattern<ScaleOp> {
  using Base::Base;
  LogicalResult matchAndRewrite(ScaleOp op, PatternRewriter &rewriter) const override {
    auto inner = op.getX().getDefiningOp<ScaleOp>();
    if (!inner)
      return rewriter.notifyMatchFailure(op, "x is not a scale");
    APFloat factor = inner.getFactor();
    if (factor.multiply(op.getFactor(), APFloat::rmNearestTiesToEven) != APFloat::opOK)
      return rewriter.notifyMatchFailure(op, "the product of the factors is not exact");
    rewriter.replaceOpWithNewOp<ScaleOp>(op, inner.getX(), factor);
    return success();
  }
};

/// bias(linear(x, w), b) is linear(x, w bias b).
struct FoldBias : OpRewritePattern<BiasOp> {
  using Base::Base;
  LogicalResult matchAndRewrite(BiasOp op, PatternRewriter &rewriter) const override {
    auto linear = op.getX().getDefiningOp<LinearOp>();
    if (!linear || linear.getBias() || !linear->hasOneUse())
      return rewriter.notifyMatchFailure(op, "x is not a linear without bias used here alone");
    rewriter.replaceOpWithNewOp<LinearOp>(op, linear.getX(), linear.getWeight(), op.getVector(), linear.getXTypeAttr());
    return success();
  }
};
} // namespace

void ScaleOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<MergeScales>(context);
}

void LinearOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *context) {
  patterns.add<FoldBias>(context);
}
