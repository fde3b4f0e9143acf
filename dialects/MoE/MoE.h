//===- MoE.h - the moe dialect --------------------------------------------===//
//
// Layers of which each token uses a few experts; see MoEBase.td.
//
//===----------------------------------------------------------------------===//
#ifndef YOKE_DIALECTS_MOE_MOE_H
#define YOKE_DIALECTS_MOE_MOE_H

#include "LLM/LLM.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "MoE/MoEDialect.h.inc"

#include "MoE/MoEEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "MoE/MoEAttrs.h.inc"

#define GET_OP_CLASSES
#include "MoE/MoEOps.h.inc"

#endif // YOKE_DIALECTS_MOE_MOE_H
