//===- LLMElementwise.cpp - what llm ops do to one element ----------------===//
#include "LLM/LLMElementwise.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"

#include <cmath>
#include <numbers>

using namespace mlir;
using namespace yoke;

Value llm::emitConstant(ImplicitLocOpBuilder &b, Type like, double value) {
  TypedAttr element = b.getFloatAttr(getElementTypeOrSelf(like), value);
  if (auto shaped = dyn_cast<ShapedType>(like))
    element = DenseElementsAttr::get(shaped, element);
  return arith::ConstantOp::create(b, element);
}

namespace {
/// Arithmetic on values of one type.
struct Terms {
  ImplicitLocOpBuilder &b;
  Type type;

  Value constant(double value) { return llm::emitConstant(b, type, value); }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, x, y); }
  Value div(Value x, Value y) { return arith::DivFOp::create(b, x, y); }
  Value tanh(Value x) { return math::TanhOp::create(b, x); }
  Value positive(Value x) { return arith::MaximumFOp::create(b, x, constant(0.0)); }
  /// 1 / (1 + exp(-x))
  Value sigmoid(Value x) {
    Value one = constant(1.0);
    Value exp = math::ExpOp::create(b, arith::NegFOp::create(b, x));
    return div(one, add(one, exp));
  }
  /// x/2 * (1 + y)
  Value halfTimesOnePlus(Value x, Value y) { return mul(mul(x, constant(0.5)), add(y, constant(1.0))); }
};
} // namespace

Value llm::emitActivation(ImplicitLocOpBuilder &b, ActivationKind kind, Value x) {
  Terms t{b, x.getType()};
  switch (kind) {
  case ActivationKind::silu:
    return t.mul(x, t.sigmoid(x));
  case ActivationKind::gelu:
    return t.halfTimesOnePlus(x, math::ErfOp::create(b, t.mul(x, t.constant(std::numbers::sqrt2 / 2))));
  case ActivationKind::gelu_tanh: {
    Value cubed = t.mul(t.mul(x, x), x);
    Value sum = math::FmaOp::create(b, cubed, t.constant(0.044715), x);
    return t.halfTimesOnePlus(x, t.tanh(t.mul(sum, t.constant(std::sqrt(2.0 / std::numbers::pi)))));
  }
  case ActivationKind::gelu_quick:
    return t.mul(x, t.sigmoid(t.mul(x, t.constant(1.702))));
  case ActivationKind::relu:
    return t.positive(x);
  case ActivationKind::relu_squared: {
    Value positive = t.positive(x);
    return t.mul(positive, positive);
  }
  case ActivationKind::tanh:
    return t.tanh(x);
  case ActivationKind::sigmoid:
    return t.sigmoid(x);
  }
  llvm_unreachable("all kinds are handled");
}

Value llm::emitSoftcap(ImplicitLocOpBuilder &b, double cap, Value x) {
  Terms t{b, x.getType()};
  return t.mul(t.tanh(t.div(x, t.constant(cap))), t.constant(cap));
}
