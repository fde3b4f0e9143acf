//===- LowerCpu.h - the stage that makes vector code ----------------------===//
#ifndef YOKE_PASSES_LOWERCPU_LOWERCPU_H
#define YOKE_PASSES_LOWERCPU_LOWERCPU_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace yoke {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "LowerCpu/Passes.h.inc"
} // namespace yoke

#endif // YOKE_PASSES_LOWERCPU_LOWERCPU_H
