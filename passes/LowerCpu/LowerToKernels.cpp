//===- LowerToKernels.cpp - the pass around StepFunction ------------------===//
#include "LowerCpu/LowerCpu.h"
#include "LowerCpu/StepFunction.h"

namespace yoke {
#define GEN_PASS_DEF_LOWERTOKERNELSPASS
#include "LowerCpu/Passes.h.inc"
} // namespace yoke

using namespace mlir;
using namespace yoke;

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
    SmallVector<func::FuncOp> steps;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function.getSymName() == "step" || llvm::any_of(function.getArgumentTypes(), llvm::IsaPred<llm::BatchType>))
        steps.push_back(function);
    if (!getOperation().lookupSymbol<func::FuncOp>("step"))
      return fail("expected a function @step");
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
