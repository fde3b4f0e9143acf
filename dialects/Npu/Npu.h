//===- Npu.h - the npu dialect --------------------------------------------===//
//
// Commands of an NPU; see NpuBase.td.
//
//===----------------------------------------------------------------------===//
#ifndef YOKE_DIALECTS_NPU_NPU_H
#define YOKE_DIALECTS_NPU_NPU_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/RegionKindInterface.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "Npu/NpuDialect.h.inc"

#include "Npu/NpuEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "Npu/NpuAttrs.h.inc"

#define GET_TYPEDEF_CLASSES
#include "Npu/NpuTypes.h.inc"

#define GET_OP_CLASSES
#include "Npu/NpuOps.h.inc"

namespace yoke::npu {

/// Fails, and says what was expected, unless low <= value < end.
mlir::LogicalResult checkAddress(mlir::Operation *op, llvm::StringRef what, int64_t value, int64_t end);

} // namespace yoke::npu

#endif // YOKE_DIALECTS_NPU_NPU_H
