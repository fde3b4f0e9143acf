//===- Quantize.h - weights and activations as integers -------------------===//
#ifndef YOKE_PASSES_QUANTIZE_QUANTIZE_H
#define YOKE_PASSES_QUANTIZE_QUANTIZE_H

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace yoke {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "Quantize/Passes.h.inc"

/// Names that `yoke-quantize-weights` and `yoke-round-activations` take.
llvm::ArrayRef<llvm::StringLiteral> quantizedWeightTypes();
llvm::ArrayRef<llvm::StringLiteral> activationTypes();
} // namespace yoke

#endif // YOKE_PASSES_QUANTIZE_QUANTIZE_H
