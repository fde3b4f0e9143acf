//===- Elementwise.cpp - element-wise ops on vectors ----------------------===//
#include "LowerCpu/Kernel.h"

#include <numbers>

using namespace mlir;
using namespace yoke;

/// 1 / (1 + exp(-x))
static Value emitSigmoid(KernelBuilder &b, Value x) {
  Value one = b.splat(1.0);
  return b.div(one, b.add(one, b.exp(arith::NegFOp::create(b, x))));
}

Value yoke::emitActivation(KernelBuilder &b, llm::ActivationKind kind, Value x) {
  switch (kind) {
  case llm::ActivationKind::silu:
    return b.mul(x, emitSigmoid(b, x));
  case llm::ActivationKind::gelu: {
    Value erf = math::ErfOp::create(b, b.mul(x, b.splat(std::numbers::sqrt2 / 2)));
    return b.mul(b.mul(x, b.splat(0.5)), b.add(erf, b.splat(1.0)));
  }
  case llm::ActivationKind::gelu_tanh: {
    Value cubed = b.mul(b.mul(x, x), x);
    Value inner = b.mul(b.fma(cubed, b.splat(0.044715), x), b.splat(std::sqrt(2.0 / std::numbers::pi)));
    Value tanh = math::TanhOp::create(b, inner);
    return b.mul(b.mul(x, b.splat(0.5)), b.add(tanh, b.splat(1.0)));
  }
  case llm::ActivationKind::gelu_quick:
    return b.mul(x, emitSigmoid(b, b.mul(x, b.splat(1.702))));
  case llm::ActivationKind::relu:
    return b.max(x, b.splat(0.0));
  case llm::ActivationKind::relu_squared: {
    Value positive = b.max(x, b.splat(0.0));
    return b.mul(positive, positive);
  }
  case llm::ActivationKind::tanh:
    return math::TanhOp::create(b, x);
  case llm::ActivationKind::sigmoid:
    return emitSigmoid(b, x);
  }
  llvm_unreachable("all kinds are handled");
}

Value yoke::emitSoftcap(KernelBuilder &b, double cap, Value x) {
  return b.mul(math::TanhOp::create(b, b.div(x, b.splat(cap))), b.splat(cap));
}

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
    return emitActivation(builder, activation.getKind(), operands[0]);
  if (auto gated = dyn_cast<llm::GatedOp>(op))
    return builder.mul(emitActivation(builder, gated.getKind(), operands[0]), operands[1]);
  if (auto scale = dyn_cast<llm::ScaleOp>(op))
    return builder.mul(operands[0], builder.splat(scale.getFactor().convertToDouble()));
  if (auto softcap = dyn_cast<llm::SoftcapOp>(op))
    return emitSoftcap(builder, softcap.getCap().convertToDouble(), operands[0]);
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
