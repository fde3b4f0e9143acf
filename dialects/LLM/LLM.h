//===- LLM.h - the llm dialect --------------------------------------------===//
//
// Inference of transformer language models; see LLMBase.td.
//
//===----------------------------------------------------------------------===//
#ifndef YOKE_DIALECTS_LLM_LLM_H
#define YOKE_DIALECTS_LLM_LLM_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/RegionKindInterface.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "LLM/LLMDialect.h.inc"

#include "LLM/LLMEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "LLM/LLMAttrs.h.inc"

#define GET_TYPEDEF_CLASSES
#include "LLM/LLMTypes.h.inc"

#define GET_OP_CLASSES
#include "LLM/LLMOps.h.inc"

#endif // YOKE_DIALECTS_LLM_LLM_H
