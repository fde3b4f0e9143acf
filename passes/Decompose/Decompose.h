//===- Decompose.h - llm ops as destination-style linalg ------------------===//
#ifndef YOKE_PASSES_DECOMPOSE_DECOMPOSE_H
#define YOKE_PASSES_DECOMPOSE_DECOMPOSE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Pass/Pass.h"

namespace yoke {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "Decompose/Passes.h.inc"
} // namespace yoke

#endif // YOKE_PASSES_DECOMPOSE_DECOMPOSE_H
