//===- Decode.h - the decode dialect --------------------------------------===//
//
// How text is made; see DecodeBase.td.
//
//===----------------------------------------------------------------------===//
#ifndef YOKE_DIALECTS_DECODE_DECODE_H
#define YOKE_DIALECTS_DECODE_DECODE_H

#include "LLM/LLM.h"
#include "Support/TreeTopology.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "Decode/DecodeDialect.h.inc"

#include "Decode/DecodeEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "Decode/DecodeAttrs.h.inc"

#define GET_TYPEDEF_CLASSES
#include "Decode/DecodeTypes.h.inc"

#define GET_OP_CLASSES
#include "Decode/DecodeOps.h.inc"

namespace yoke::decode {

/// Medusa, Hydra and EAGLE guess by a function of the module; the others have a state.
bool guessesByHeads(DrafterKind kind);

/// The step of a bucket of `decode.verify`.
std::string bucketName(llvm::StringRef callee, int64_t rows);

} // namespace yoke::decode

#endif // YOKE_DIALECTS_DECODE_DECODE_H
