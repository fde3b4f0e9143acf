//===- FuseHead.cpp - steps that give best tokens rather than logits ------===//
#include "Decode/DecodePasses.h"

#include "mlir/IR/Remarks.h"
#include "mlir/IR/SymbolTable.h"

namespace yoke {
#define GEN_PASS_DEF_FUSEHEADPASS
#include "Decode/Passes.h.inc"
} // namespace yoke

using namespace mlir;
using namespace yoke;

/// Best tokens that are learned of each row.
static constexpr int64_t learned = 8;

static bool isLogits(ValueRange rows, decode::VerifyOp verify) {
  return rows.size() == 1 && rows[0].getDefiningOp() == verify;
}

/// How many best tokens of each row the readers of a step's logits need; 0 when one of them needs all logits.
static int64_t neededBest(decode::VerifyOp verify) {
  int64_t best = 0;
  for (Operation *reader : verify.getRows().front().getUsers()) {
    auto accept = dyn_cast<decode::AcceptOp>(reader);
    auto sample = dyn_cast<decode::SampleOp>(reader);
    auto learn = dyn_cast<decode::LearnOp>(reader);
    if ((accept && accept.getPolicy() == decode::Acceptance::greedy && isLogits(accept.getRows(), verify)) ||
        (sample && sample.getPolicy() == decode::Acceptance::greedy && isLogits(sample.getRows(), verify)))
      best = std::max<int64_t>(best, 1);
    else if (learn && isLogits(learn.getRows(), verify))
      best = learned;
    else
      return 0;
  }
  return best;
}

namespace {
struct FuseHeadPass : yoke::impl::FuseHeadPassBase<FuseHeadPass> {
  using Base::Base;

  void runOnOperation() override {
    SmallVector<decode::VerifyOp> calls;
    getOperation().walk([&](decode::VerifyOp verify) { calls.push_back(verify); });
    SymbolTable symbols(getOperation());
    for (decode::VerifyOp verify : calls)
      rewrite(verify, symbols);
  }

private:
  void rewrite(decode::VerifyOp verify, SymbolTable &symbols) {
    auto step = symbols.lookup<func::FuncOp>(verify.getCallee());
    if (verify.getRows().size() != 1 || !step.getBody().hasOneBlock())
      return;
    auto logits = cast<RankedTensorType>(verify.getRows().front().getType());
    int64_t best = std::min(neededBest(verify), logits.getDimSize(1));
    if (best < 1 || !logits.getElementType().isF32())
      return;
    std::string name = (verify.getCallee() + "_top" + Twine(best)).str();
    auto variant = symbols.lookup<func::FuncOp>(name);
    if (!variant)
      symbols.insert(variant = withBest(step, name, best));

    OpBuilder builder(verify);
    auto call = decode::VerifyOp::create(builder, verify.getLoc(), variant.getResultTypes(), name, verify.getTree(),
                                         verify.getText(), verify.getCache(), DenseI64ArrayAttr());
    remark::passed(verify.getLoc(), remark::RemarkOpts::name("FusedHead").category("yoke-decode"))
        << "the head gives " << std::to_string(best) << " best tokens a row, not logits";
    for (Operation *reader : llvm::make_early_inc_range(verify.getRows().front().getUsers())) {
      if (auto accept = dyn_cast<decode::AcceptOp>(reader))
        accept.getRowsMutable().assign(call.getRows());
      else if (auto sample = dyn_cast<decode::SampleOp>(reader))
        sample.getRowsMutable().assign(call.getRows());
      else
        cast<decode::LearnOp>(reader).getRowsMutable().assign(call.getRows());
    }
    verify.getNewCache().replaceAllUsesWith(call.getNewCache());
    verify.erase();
  }

  /// The step with the best columns of its logits in their place.
  static func::FuncOp withBest(func::FuncOp step, StringRef name, int64_t best) {
    auto variant = step.clone();
    variant.setName(name);
    Operation *end = variant.getBody().front().getTerminator();
    OpBuilder builder(end);
    auto values = RankedTensorType::get({ShapedType::kDynamic, best}, builder.getF32Type());
    auto topK =
        decode::TopKOp::create(builder, end->getLoc(), values, values.clone(builder.getI32Type()), end->getOperand(0));
    SmallVector<Value> results = {topK.getValues(), topK.getIds()};
    llvm::append_range(results, end->getOperands().drop_front());
    end->setOperands(results);
    variant.setFunctionType(builder.getFunctionType(step.getArgumentTypes(), ValueRange(results).getTypes()));
    return variant;
  }
};
} // namespace
