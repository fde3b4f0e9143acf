//===- DecodeDialect.cpp - registration of the decode dialect -------------===//
#include "Decode/Decode.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace yoke::decode;

#include "Decode/DecodeDialect.cpp.inc"

#include "Decode/DecodeEnums.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "Decode/DecodeTypes.cpp.inc"

void DecodeDialect::registerTypes() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "Decode/DecodeTypes.cpp.inc"
      >();
}

void DecodeDialect::initialize() {
  registerAttributes();
  registerTypes();
  addOperations<
#define GET_OP_LIST
#include "Decode/DecodeOps.cpp.inc"
      >();
}

LogicalResult TreeType::verify(function_ref<InFlightDiagnostic()> emitError, int64_t nodes, int64_t depth) {
  if (nodes < 1 || nodes > yoke::TreeTopology::maxNodes)
    return emitError() << "expected from 1 to " << yoke::TreeTopology::maxNodes << " nodes, found " << nodes;
  if (depth < 0 || depth >= nodes)
    return emitError() << "expected a depth from 0 to " << nodes - 1 << " for " << nodes << " nodes, found " << depth;
  return success();
}
