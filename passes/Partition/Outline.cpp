//===- Outline.cpp - kernels into placed regions --------------------------===//
#include "Partition/Outline.h"

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace yoke;

namespace {
/// Ops that are cheaper to repeat than to pass: constants and reads of weights.
bool isRepeated(Operation *op) {
  return op && (isa<ml_program::GlobalLoadConstOp>(op) || matchPattern(op, m_Constant()));
}

struct Run {
  place::Device device;
  llvm::SetVector<Operation *> ops;
};

SmallVector<Run> findRuns(Block &block, const llvm::DenseMap<Operation *, place::Device> &devices) {
  SmallVector<Run> runs;
  for (Operation &op : block.without_terminator()) {
    if (auto placed = devices.find(&op); placed != devices.end()) {
      if (runs.empty() || runs.back().device != placed->second)
        runs.push_back({placed->second, {}});
      runs.back().ops.insert(&op);
    } else if (!runs.empty() && llvm::any_of(op.getOperands(), [&](Value operand) {
                 return runs.back().ops.contains(operand.getDefiningOp());
               })) {
      runs.back().ops.insert(&op);
    }
  }
  return runs;
}

class Outliner {
public:
  void outline(const Run &run) {
    llvm::SetVector<Value> inputs, outputs;
    llvm::SetVector<Operation *> repeated;
    for (Operation *op : run.ops) {
      op->walk([&](Operation *inner) {
        for (Value operand : inner->getOperands()) {
          Operation *maker = operand.getDefiningOp();
          bool inside = op->isAncestor(operand.getParentRegion()->getParentOp()) || run.ops.contains(maker);
          if (isRepeated(maker) && !inside)
            repeated.insert(maker);
          else if (!inside)
            inputs.insert(operand);
        }
      });
      for (Value result : op->getResults())
        if (llvm::any_of(result.getUsers(), [&](Operation *user) {
              return !run.ops.contains(run.ops.front()->getBlock()->findAncestorOpInBlock(*user));
            }))
          outputs.insert(result);
    }

    Operation *last = run.ops.back();
    OpBuilder builder(last->getContext());
    builder.setInsertionPointAfter(last);
    SmallVector<Value> operands;
    for (Value input : inputs)
      operands.push_back(bring(builder, last->getLoc(), input, run.device));
    auto on = place::OnOp::create(builder, run.ops.front()->getLoc(), TypeRange(ValueRange(outputs.getArrayRef())),
                                  run.device, operands);
    SmallVector<Location> locations(operands.size(), on.getLoc());
    Block *body = builder.createBlock(&on.getBody(), {}, ValueRange(operands).getTypes(), locations);
    IRMapping inside;
    inside.map(inputs.getArrayRef(), body->getArguments());
    for (Operation *op : repeated)
      builder.clone(*op, inside);
    for (Operation *op : run.ops)
      builder.clone(*op, inside);
    SmallVector<Value> yielded;
    for (Value output : outputs)
      yielded.push_back(inside.lookup(output));
    place::YieldOp::create(builder, last->getLoc(), yielded);

    SmallVector<Value> made(outputs.getArrayRef());
    for (auto [output, result] : llvm::zip(made, on.getOutputs()))
      output.replaceAllUsesWith(result);
    for (Operation *op : llvm::reverse(run.ops))
      op->erase();
    for (Operation *op : repeated)
      if (op->use_empty())
        op->erase();
  }

private:
  /// `value` as `device` reads it.
  Value bring(OpBuilder &builder, Location loc, Value value, place::Device device) {
    auto maker = value.getDefiningOp<place::OnOp>();
    if (!maker || maker.getDevice() == device || !isa<RankedTensorType>(value.getType()))
      return value;
    Value &copy = copies[{value, static_cast<uint32_t>(device)}];
    if (!copy) {
      OpBuilder::InsertionGuard guard(builder);
      builder.setInsertionPointAfter(maker);
      copy = place::TransferOp::create(builder, loc, value, maker.getDevice(), device);
    }
    return copy;
  }

  llvm::DenseMap<std::pair<Value, uint32_t>, Value> copies;
};
} // namespace

void yoke::outlinePlacement(Block &block, const llvm::DenseMap<Operation *, place::Device> &devices) {
  Outliner outliner;
  for (const Run &run : findRuns(block, devices))
    outliner.outline(run);
}
