//===- SpecialiseRows.cpp - steps for one number of rows ------------------===//
#include "Decode/DecodePasses.h"

#include "mlir/IR/SymbolTable.h"

namespace yoke {
#define GEN_PASS_DEF_SPECIALISEROWSPASS
#include "Decode/Passes.h.inc"
} // namespace yoke

using namespace mlir;
using namespace yoke;

namespace {
struct SpecialiseRowsPass : yoke::impl::SpecialiseRowsPassBase<SpecialiseRowsPass> {
  using Base::Base;

  void runOnOperation() override {
    for (auto [index, each] : llvm::enumerate(rows))
      if (each < 1 || (index > 0 && each <= rows[index - 1])) {
        getOperation().emitError("expected rows to ascend from 1, found ") << each;
        return signalPassFailure();
      }
    SmallVector<decode::VerifyOp> calls;
    getOperation().walk([&](decode::VerifyOp verify) { calls.push_back(verify); });
    SymbolTable symbols(getOperation());
    for (decode::VerifyOp verify : calls)
      specialise(verify, symbols);
  }

private:
  void specialise(decode::VerifyOp verify, SymbolTable &symbols) {
    auto step = symbols.lookup<func::FuncOp>(verify.getCallee());
    SmallVector<int64_t> buckets;
    for (int64_t each : rows)
      if (each <= verify.getTree().getType().getNodes() && !step.isExternal())
        buckets.push_back(each);
    if (buckets.empty() || verify.getBuckets())
      return;
    for (int64_t each : buckets) {
      std::string name = decode::bucketName(verify.getCallee(), each);
      if (symbols.lookup(name))
        continue;
      auto clone = step.clone();
      clone.setName(name);
      clone->setAttr("llm.rows", Builder(&getContext()).getI64IntegerAttr(each));
      symbols.insert(clone);
    }
    verify.setBuckets(buckets);
  }
};
} // namespace
