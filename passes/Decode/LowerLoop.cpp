//===- LowerLoop.cpp - the pass around LoopFunction -----------------------===//
#include "Decode/DecodePasses.h"
#include "Decode/LoopFunction.h"

namespace yoke {
#define GEN_PASS_DEF_LOWERLOOPPASS
#include "Decode/Passes.h.inc"
} // namespace yoke

using namespace mlir;
using namespace yoke;

namespace {
struct LowerLoopPass : yoke::impl::LowerLoopPassBase<LowerLoopPass> {
  using Base::Base;

  void runOnOperation() override {
    SmallVector<func::FuncOp> loops;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!function.getBody().getOps<decode::LoopOp>().empty())
        loops.push_back(function);
    Builder attributes(&getContext());
    int64_t capacity = 0;
    SmallVector<NamedAttribute> fields;
    for (func::FuncOp function : loops) {
      LoopFunction lowered(function);
      if (failed(lowered.build(maxTokens)))
        return signalPassFailure();
      capacity = std::max(capacity, lowered.capacity());
      if (auto best = lowered.best())
        fields.push_back(attributes.getNamedAttr("best", attributes.getI64IntegerAttr(*best)));
      function.erase();
    }
    if (loops.empty())
      return;
    fields.push_back(attributes.getNamedAttr("capacity", attributes.getI64IntegerAttr(capacity)));
    getOperation()->setAttr("decode.loop", attributes.getDictionaryAttr(fields));
  }
};
} // namespace
