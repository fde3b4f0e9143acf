//===- DecodePasses.h - making, improving and lowering generation loops ---===//
#ifndef YOKE_PASSES_DECODE_DECODEPASSES_H
#define YOKE_PASSES_DECODE_DECODEPASSES_H

#include "Decode/Decode.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace yoke {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "Decode/Passes.h.inc"
} // namespace yoke

#endif // YOKE_PASSES_DECODE_DECODEPASSES_H
