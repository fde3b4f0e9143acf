//===- SkipFfn.cpp - x + f(x) becomes llm.ffn_skip ------------------------===//
#include "Skip/Skip.h"

#include "MoE/MoE.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/SmallSet.h"

namespace yoke {
#define GEN_PASS_DEF_SKIPFFNPASS
#include "Skip/Passes.h.inc"
} // namespace yoke

using namespace mlir;
using namespace yoke;

namespace {
/// The ops that make f(x) of x.
class FeedForward {
public:
  /// Finds those between `x` and `delta`; false when they are not a feed-forward block that stands alone.
  bool find(Value x, Value delta, Operation *sum) {
    SmallVector<Value> open = {delta};
    bool hasProduct = false;
    while (!open.empty()) {
      Value value = open.pop_back_val();
      Operation *op = value.getDefiningOp();
      if (value == x || isWeight(value))
        continue;
      if (!op || !isRowByRow(op))
        return false;
      hasProduct |= isa<llm::LinearOp, moe::ExpertsOp>(op);
      if (ops.insert(op))
        llvm::append_range(open, op->getOperands());
    }
    return hasProduct && llvm::all_of(ops, [&](Operation *op) {
             return llvm::all_of(op->getUsers(), [&](Operation *user) {
               return ops.contains(user->getBlock() == op->getBlock() ? user : user->getParentOp()) || user == sum;
             });
           });
  }

  /// In their order in the block.
  SmallVector<Operation *> getOps() const {
    SmallVector<Operation *> sorted(ops.getArrayRef());
    llvm::sort(sorted, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
    return sorted;
  }

private:
  static bool isWeight(Value value) {
    auto tensor = dyn_cast<RankedTensorType>(value.getType());
    return tensor && tensor.hasStaticShape() &&
           (isa<BlockArgument>(value) || value.getDefiningOp<ml_program::GlobalLoadConstOp>());
  }

  /// True for ops that read no batch, no cache and no ids, and know nothing of other rows.
  static bool isRowByRow(Operation *op) {
    return llvm::is_contained({"llm", "moe", "arith", "tensor"}, op->getName().getDialectNamespace()) &&
           !isa<llm::FfnSkipOp>(op) && llvm::none_of(op->getOperandTypes(), [](Type type) {
             auto tensor = dyn_cast<RankedTensorType>(type);
             return isa<llm::BatchType, llm::KVCacheType>(type) ||
                    (tensor && tensor.getRank() == 1 && !tensor.hasStaticShape());
           });
  }

  llvm::SetVector<Operation *> ops;
};

struct SkipFfnPass : yoke::impl::SkipFfnPassBase<SkipFfnPass> {
  using Base::Base;

  void runOnOperation() override {
    auto step = getOperation().lookupSymbol<func::FuncOp>("step");
    if (!step || !step.getBody().hasOneBlock() ||
        llvm::none_of(step.getArgumentTypes(), llvm::IsaPred<llm::BatchType>)) {
      getOperation().emitError("expected a function @step of one block that takes a batch");
      return signalPassFailure();
    }
    Block &block = step.getBody().front();
    auto attentions = llvm::to_vector(block.getOps<llm::AttentionOp>());
    if (first < 0 || first >= last || last > static_cast<int64_t>(attentions.size())) {
      step.emitError() << "expected layers from first up to last, within the model's " << attentions.size()
                       << ", found " << first.getValue() << " and " << last.getValue();
      return signalPassFailure();
    }
    Value positions = positionsOf(step), skips;
    int64_t layer = -1;
    llvm::SmallSet<int64_t, 8> found;
    for (Operation &op : llvm::make_early_inc_range(block)) {
      layer += isa<llm::AttentionOp>(op);
      auto sum = dyn_cast<arith::AddFOp>(op);
      if (!sum || layer < first || layer >= last)
        continue;
      for (auto [x, delta] : {std::pair(sum.getLhs(), sum.getRhs()), std::pair(sum.getRhs(), sum.getLhs())})
        if (FeedForward feedForward; feedForward.find(x, delta, sum)) {
          skips = replace(sum, x, delta, feedForward.getOps(), positions, skips);
          found.insert(layer);
          break;
        }
    }
    for (int64_t expected = first; expected < last; ++expected)
      if (!found.contains(expected)) {
        attentions[expected].emitError() << "layer " << expected
                                         << " has no feed-forward block x + f(x) of its own that rows could skip";
        return signalPassFailure();
      }
  }

  static Value positionsOf(func::FuncOp step) {
    Block &block = step.getBody().front();
    for (auto positions : block.getOps<llm::PositionsOp>()) {
      positions->moveBefore(&block, block.begin());
      return positions;
    }
    Value batch =
        *llvm::find_if(block.getArguments(), [](Value value) { return isa<llm::BatchType>(value.getType()); });
    OpBuilder builder = OpBuilder::atBlockBegin(&block);
    auto type = RankedTensorType::get({ShapedType::kDynamic}, builder.getI32Type());
    return llm::PositionsOp::create(builder, step.getLoc(), type, batch);
  }

  /// Returns what the rows still skip behind the block.
  Value replace(arith::AddFOp sum, Value x, Value delta, ArrayRef<Operation *> ops, Value positions, Value skips) {
    OpBuilder builder(sum);
    auto skip =
        llm::FfnSkipOp::create(builder, sum.getLoc(), x, skips, positions, static_cast<uint64_t>(warmUp),
                               llvm::APFloat(static_cast<float>(tau)), static_cast<uint64_t>(k), record.getValue());
    Block &body = skip.getBody().emplaceBlock();
    Value rows = body.addArgument(x.getType(), x.getLoc());
    for (Operation *op : ops) {
      op->moveBefore(&body, body.end());
      op->replaceUsesOfWith(x, rows);
    }
    builder.setInsertionPointToEnd(&body);
    llm::YieldOp::create(builder, sum.getLoc(), delta);
    sum.replaceAllUsesWith(skip.getResult());
    sum.erase();
    return skip.getRemaining();
  }
};
} // namespace
