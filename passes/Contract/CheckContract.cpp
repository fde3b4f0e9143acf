//===- CheckContract.cpp - lists the ops that a stage should not leave ----===//
#include "Contract/Contract.h"

#include "llvm/ADT/STLExtras.h"

namespace yoke {
#define GEN_PASS_DEF_CHECKCONTRACTPASS
#include "Contract/Passes.h.inc"
} // namespace yoke

using namespace mlir;

namespace {
struct CheckContractPass : yoke::impl::CheckContractPassBase<CheckContractPass> {
  using Base::Base;

  void runOnOperation() override {
    constexpr int64_t reported = 5;
    int64_t leftovers = 0;
    getOperation()->walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (op == getOperation() || isAllowed(op))
        return llvm::is_contained(closed, op->getName().getStringRef().str()) ? WalkResult::skip()
                                                                              : WalkResult::advance();
      if (++leftovers <= reported)
        op->emitError() << "stage " << stage << " leaves " << op->getName() << ", which the next stage does not know";
      // What stands inside is part of it.
      return WalkResult::skip();
    });
    if (leftovers > reported)
      getOperation()->emitError() << "stage " << stage << " leaves " << leftovers - reported << " more such ops";
    if (leftovers > 0)
      signalPassFailure();
  }

  bool isAllowed(Operation *op) const {
    StringRef name = op->getName().getStringRef();
    return llvm::is_contained(ops, name.str()) ||
           llvm::is_contained(dialects, op->getName().getDialectNamespace().str());
  }
};
} // namespace
