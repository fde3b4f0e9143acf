//===- SinkHeads.cpp - draft heads at accepted rows alone -----------------===//
#include "Decode/DecodePasses.h"

#include "mlir/IR/Remarks.h"

namespace yoke {
#define GEN_PASS_DEF_SINKHEADSPASS
#include "Decode/Passes.h.inc"
} // namespace yoke

using namespace mlir;
using namespace yoke;

/// The path at which each reader picks its row; null when there is another reader, or another path.
static Value pickedPath(decode::HeadsOp heads) {
  Value path;
  for (Operation *reader : heads->getUsers()) {
    auto pick = dyn_cast<decode::PickOp>(reader);
    if (!pick || (path && pick.getPath() != path) || pick->getBlock() != heads->getBlock())
      return nullptr;
    path = pick.getPath();
  }
  return path;
}

namespace {
struct SinkHeadsPass : yoke::impl::SinkHeadsPassBase<SinkHeadsPass> {
  using Base::Base;

  void runOnOperation() override {
    SmallVector<decode::HeadsOp> all;
    getOperation()->walk([&](decode::HeadsOp heads) { all.push_back(heads); });
    for (decode::HeadsOp heads : all)
      if (Value path = pickedPath(heads))
        sink(heads, path);
  }

private:
  static void sink(decode::HeadsOp heads, Value path) {
    OpBuilder builder(heads->getContext());
    builder.setInsertionPointAfterValue(path);
    SmallVector<Value> rows = llvm::map_to_vector(heads.getInputs(), [&](Value input) -> Value {
      return decode::PickOp::create(builder, heads.getLoc(), input.getType(), input, path);
    });
    auto sunk = decode::HeadsOp::create(builder, heads.getLoc(), heads.getResultTypes(), heads.getKind(),
                                        heads.getCallee(), rows);
    for (auto [before, after] : llvm::zip_equal(heads.getResults(), sunk.getResults()))
      for (Operation *pick : llvm::make_early_inc_range(before.getUsers())) {
        pick->getResult(0).replaceAllUsesWith(after);
        pick->erase();
      }
    remark::passed(heads.getLoc(), remark::RemarkOpts::name("SunkHeads").category("yoke-decode"))
        << "the heads of " << heads.getCallee().str() << " see the last accepted row alone";
    heads.erase();
  }
};
} // namespace
