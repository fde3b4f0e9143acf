//===- Place.h - the place dialect ----------------------------------------===//
//
// Which device computes what; see PlaceBase.td.
//
//===----------------------------------------------------------------------===//
#ifndef YOKE_DIALECTS_PLACE_PLACE_H
#define YOKE_DIALECTS_PLACE_PLACE_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "Place/PlaceDialect.h.inc"

#include "Place/PlaceEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "Place/PlaceAttrs.h.inc"

#define GET_OP_CLASSES
#include "Place/PlaceOps.h.inc"

#endif // YOKE_DIALECTS_PLACE_PLACE_H
