//===- ApproximateMath.cpp - vector functions as polynomials --------------===//
#include "LowerCpu/LowerCpu.h"

#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace yoke {
#define GEN_PASS_DEF_APPROXIMATEMATHPASS
#include "LowerCpu/Passes.h.inc"
} // namespace yoke

using namespace mlir;

namespace {
struct ApproximateMathPass : yoke::impl::ApproximateMathPassBase<ApproximateMathPass> {
  using Base::Base;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateMathPolynomialApproximationPatterns(patterns, [](StringRef name) {
      return name == math::ExpOp::getOperationName() || name == math::TanhOp::getOperationName() ||
             name == math::ErfOp::getOperationName();
    });
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
