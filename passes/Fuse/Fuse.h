//===- Fuse.h - the fusion stage ------------------------------------------===//
#ifndef YOKE_PASSES_FUSE_FUSE_H
#define YOKE_PASSES_FUSE_FUSE_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace yoke {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "Fuse/Passes.h.inc"
} // namespace yoke

#endif // YOKE_PASSES_FUSE_FUSE_H
