//===- Elementwise.cpp - element-wise ops on vectors ----------------------===//
#include "LLM/LLMElementwise.h"
#include "LowerCpu/Kernel.h"

using namespace mlir;
using namespace yoke;

Value ElementwiseEvaluator::get(Value value) {
  if (auto known = vectors.find(value); known != vectors.end())
    return known->second;
  Value vector;
  if (Operation *op = value.getDefiningOp())
    vector = compute(op);
  else if (cast<RankedTensorType>(value.getType()).getRank() == 1)
    vector = builder.load(kernel.memory.lookup(value), {}, columns);
  else
    vector = builder.load(kernel.memory.lookup(value), row, columns);
  return vectors[value] = vector;
}

Value ElementwiseEvaluator::compute(Operation *op) {
  if (auto scale = dyn_cast<moe::ScaleRowsOp>(op)) {
    Value memory = kernel.memory.lookup(scale.getFactors());
    Value factors =
        memory ? builder.broadcast(builder.element(memory, {row, builder.index(0)})) : get(scale.getFactors());
    return builder.mul(get(scale.getX()), factors);
  }
  SmallVector<Value> operands = llvm::map_to_vector(op->getOperands(), [&](Value v) { return get(v); });
  if (auto activation = dyn_cast<llm::ActivationOp>(op))
    return llm::emitActivation(builder, activation.getKind(), operands[0]);
  if (auto gated = dyn_cast<llm::GatedOp>(op))
    return builder.mul(llm::emitActivation(builder, gated.getKind(), operands[0]), operands[1]);
  if (auto scale = dyn_cast<llm::ScaleOp>(op))
    return builder.mul(operands[0], builder.splat(scale.getFactor().convertToDouble()));
  if (auto softcap = dyn_cast<llm::SoftcapOp>(op))
    return llm::emitSoftcap(builder, softcap.getCap().convertToDouble(), operands[0]);
  if (isa<llm::BiasOp, arith::AddFOp>(op))
    return builder.add(operands[0], operands[1]);
  if (isa<arith::SubFOp>(op))
    return builder.sub(operands[0], operands[1]);
  return builder.mul(operands[0], operands[1]);
}

void yoke::emitElementwise(KernelBuilder &b, Kernel &kernel) {
  Value yielded = kernel.find<llm::YieldOp>().getValues().front();
  auto [begin, end] = b.share(b.rows(kernel.result));
  b.loop(begin, end, b.index(1), [&](Value row) {
    b.forColumns(cast<RankedTensorType>(yielded.getType()).getDimSize(1), [&](Columns columns) {
      ElementwiseEvaluator evaluator(b, kernel, row, columns);
      b.store(evaluator.get(yielded), kernel.result, row, columns);
    });
  });
}
