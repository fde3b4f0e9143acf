//===- ErasePlacement.cpp - a program without its placement ---------------===//
#include "Partition/Partition.h"

#include "mlir/IR/PatternMatch.h"

namespace yoke {
#define GEN_PASS_DEF_ERASEPLACEMENTPASS
#include "Partition/Passes.h.inc"
} // namespace yoke

using namespace mlir;
using namespace yoke;

namespace {
struct ErasePlacementPass : yoke::impl::ErasePlacementPassBase<ErasePlacementPass> {
  using Base::Base;

  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    getOperation().walk([&](Operation *op) {
      if (auto transfer = dyn_cast<place::TransferOp>(op)) {
        rewriter.replaceOp(transfer, transfer.getValue());
      } else if (auto on = dyn_cast<place::OnOp>(op)) {
        Block &body = on.getBody().front();
        auto yield = cast<place::YieldOp>(body.getTerminator());
        rewriter.inlineBlockBefore(&body, on, on.getInputs());
        rewriter.replaceOp(on, yield.getValues());
        rewriter.eraseOp(yield);
      }
    });
  }
};
} // namespace
