//===- LowerToKernels.cpp - the pass around StepFunction ------------------===//
#include "LowerCpu/LowerCpu.h"
#include "LowerCpu/StepFunction.h"

namespace yoke {
#define GEN_PASS_DEF_LOWERTOKERNELSPASS
#include "LowerCpu/Passes.h.inc"
} // namespace yoke

using namespace mlir;
using namespace yoke;

/// Whether a function is one of draft heads: its first argument is rows of features.
static bool goesOnFromFeatures(func::FuncOp function) {
  return !function.isDeclaration() && function.getNumArguments() > 0 && isActivation(function.getArgument(0));
}

namespace {
struct LowerToKernelsPass : yoke::impl::LowerToKernelsPassBase<LowerToKernelsPass> {
  using Base::Base;

  void runOnOperation() override {
    auto fail = [&](const Twine &message) {
      getOperation().emitError(message);
      signalPassFailure();
    };
    std::optional<KernelShape> shape = KernelShape::forLevel(level);
    if (!shape)
      return fail("expected level x86-64-v3 or x86-64-v4, found " + level);
    if (maxTokens < 1)
      return fail("expected max-tokens of at least 1, found " + Twine(maxTokens));
    auto main = getOperation().lookupSymbol<func::FuncOp>("step");
    if (!main)
      return fail("expected a function @step");
    // It comes first, and gives shared kernels their names.
    SmallVector<func::FuncOp> steps = {main};
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function != main &&
          (goesOnFromFeatures(function) || llvm::any_of(function.getArgumentTypes(), llvm::IsaPred<llm::BatchType>)))
        steps.push_back(function);
    StepTotals totals;
    if (timed)
      totals.timers.emplace();
    for (func::FuncOp step : steps)
      if (failed(StepFunction(step, *shape, maxTokens, totals).build()))
        return signalPassFailure();
    totals.describe(getOperation());
    if (totals.timers)
      totals.timers->declare(getOperation());
  }
};
} // namespace
