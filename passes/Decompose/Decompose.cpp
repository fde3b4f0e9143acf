//===- Decompose.cpp - llm ops as destination-style linalg ----------------===//
#include "Decompose/Decompose.h"

#include "LLM/LLM.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/BufferizableOpInterface.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/TypeSwitch.h"

namespace yoke {
#define GEN_PASS_DEF_DECOMPOSEPASS
#include "Decompose/Passes.h.inc"
} // namespace yoke

using namespace mlir;

/// Decomposes the ops of `function` until no op is left that can be.
static void decomposeAll(func::FuncOp function) {
  IRRewriter rewriter(function.getContext());
  bool changed = true;
  while (changed) {
    changed = false;
    SmallVector<linalg::AggregatedOpInterface> ops;
    // What stands inside an op is reached when that op has been taken apart.
    function.walk<WalkOrder::PreOrder>([&](linalg::AggregatedOpInterface op) {
      ops.push_back(op);
      return WalkResult::skip();
    });
    for (linalg::AggregatedOpInterface op : ops) {
      rewriter.setInsertionPoint(op);
      FailureOr<SmallVector<Value>> values = op.decomposeOperation(rewriter);
      if (failed(values))
        continue;
      rewriter.replaceOp(op, *values);
      changed = true;
    }
  }
}

static bool hasTensors(Operation *op) {
  auto isTensor = [](Type type) { return isa<TensorType>(type); };
  return llvm::any_of(op->getOperandTypes(), isTensor) || llvm::any_of(op->getResultTypes(), isTensor);
}

static StringRef reasonToStay(Operation *op) {
  return llvm::TypeSwitch<Operation *, StringRef>(op)
      .Case([](yoke::llm::PositionsOp) { return "positions are in the batch"; })
      .Case<yoke::llm::LmHeadOp, yoke::llm::PoolOp>([](auto) { return "the rows wanted are in the batch"; })
      .Case([](yoke::llm::AttentionOp) { return "what a token sees is in the batch and the cache"; })
      .Case<yoke::llm::LinearOp, yoke::llm::EmbeddingOp>([](auto) { return "its weight is quantised"; })
      .Case([](ml_program::GlobalLoadConstOp) { return "weights get their place in memory when they are packed"; })
      .Default([](Operation *) { return "it has no destination-style form"; });
}

namespace {
struct DecomposePass : yoke::impl::DecomposePassBase<DecomposePass> {
  using Base::Base;

  void runOnOperation() override {
    decomposeAll(getOperation());
    RewritePatternSet patterns(&getContext());
    linalg::populateElementwiseToLinalgConversionPatterns(patterns);
    walkAndApplyPatterns(getOperation(), std::move(patterns));
    reportLeftovers();
  }

  void reportLeftovers() {
    llvm::MapVector<OperationName, SmallVector<Operation *>> leftovers;
    getOperation().walk([&](Operation *op) {
      if (hasTensors(op) && !isa<bufferization::BufferizableOpInterface>(op))
        leftovers[op->getName()].push_back(op);
    });
    for (auto &[name, ops] : leftovers) {
      Operation *first = ops.front();
      InFlightDiagnostic diagnostic = complete ? first->emitError() : first->emitRemark();
      diagnostic << ops.size() << ' ' << name << (ops.size() == 1 ? " stays: " : " stay: ") << reasonToStay(first);
    }
    if (complete && !leftovers.empty())
      signalPassFailure();
  }
};
} // namespace
