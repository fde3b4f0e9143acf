//===- LLMElementwise.h - what llm ops do to one element ------------------===//
#ifndef YOKE_DIALECTS_LLM_LLMELEMENTWISE_H
#define YOKE_DIALECTS_LLM_LLMELEMENTWISE_H

#include "LLM/LLM.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace yoke::llm {

/// `value` in the type `like`, a float type or a vector of floats.
mlir::Value emitConstant(mlir::ImplicitLocOpBuilder &builder, mlir::Type like, double value);

/// The activation function of `x`, a float or a vector of floats, as arith and math ops.
mlir::Value emitActivation(mlir::ImplicitLocOpBuilder &builder, ActivationKind kind, mlir::Value x);

/// cap * tanh(x / cap), x a float or a vector of floats.
mlir::Value emitSoftcap(mlir::ImplicitLocOpBuilder &builder, double cap, mlir::Value x);

} // namespace yoke::llm

#endif // YOKE_DIALECTS_LLM_LLMELEMENTWISE_H
