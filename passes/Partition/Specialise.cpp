//===- Specialise.cpp - one step a class of token counts ------------------===//
#include "Partition/Partition.h"
#include "Partition/StepClass.h"

#include "mlir/IR/SymbolTable.h"

namespace yoke {
#define GEN_PASS_DEF_SPECIALISEPASS
#include "Partition/Passes.h.inc"
} // namespace yoke

using namespace mlir;
using namespace yoke;

namespace {
struct SpecialisePass : yoke::impl::SpecialisePassBase<SpecialisePass> {
  using Base::Base;

  void runOnOperation() override {
    auto step = getOperation().lookupSymbol<func::FuncOp>("step");
    SmallVector<StepClass> wanted;
    for (const std::string &text : classes) {
      std::optional<StepClass> parsed = StepClass::parse(text);
      if (!parsed) {
        getOperation().emitError() << "expected a class as SEQUENCESxTOKENS, found '" << text << "'";
        return signalPassFailure();
      }
      wanted.push_back(*parsed);
    }
    if (!step)
      return;
    if (wanted.empty())
      wanted = {{1, 1}, {1, 16}, {1, 512}};
    OpBuilder builder(step);
    for (const StepClass &each : wanted) {
      auto clone = cast<func::FuncOp>(builder.clone(*step));
      clone.setName("step_" + each.name());
      each.attachTo(clone);
    }
    step.erase();
  }
};
} // namespace
