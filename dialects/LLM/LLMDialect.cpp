//===- LLMDialect.cpp - registration and types of the llm dialect ---------===//
#include "LLM/LLM.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Transforms/InliningUtils.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace yoke::llm;

#include "LLM/LLMDialect.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "LLM/LLMTypes.cpp.inc"

namespace {
/// Names the frequencies once at the top of a printed module.
struct AliasInterface : OpAsmDialectInterface {
  using OpAsmDialectInterface::OpAsmDialectInterface;
  AliasResult getAlias(Attribute attribute, raw_ostream &os) const final {
    if (!isa<RopeAttr>(attribute))
      return AliasResult::NoAlias;
    os << "rope";
    return AliasResult::FinalAlias;
  }
};

/// Every llm op may move into another region.
struct InlineAnywhere : DialectInlinerInterface {
  using DialectInlinerInterface::DialectInlinerInterface;
  bool isLegalToInline(Operation *, Region *, bool, IRMapping &) const final { return true; }
  bool isLegalToInline(Region *, Region *, bool, IRMapping &) const final { return true; }
};
} // namespace

void LLMDialect::initialize() {
  registerTypes();
  registerAttributes();
  registerBytecode();
  addOperations<
#define GET_OP_LIST
#include "LLM/LLMOps.cpp.inc"
      >();
  addInterfaces<AliasInterface, InlineAnywhere>();
}

void LLMDialect::registerTypes() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "LLM/LLMTypes.cpp.inc"
      >();
}

LogicalResult KVCacheType::verify(function_ref<InFlightDiagnostic()> emitError, int64_t layers, int64_t heads,
                                  int64_t headDim, FloatType) {
  if (layers < 1 || heads < 1 || headDim < 1)
    return emitError() << "expected at least one layer, head and element, found layers = " << layers
                       << ", heads = " << heads << ", head_dim = " << headDim;
  return success();
}

LogicalResult QuantType::verify(function_ref<InFlightDiagnostic()> emitError, IntegerType storage, int64_t group,
                                FloatType scale, bool) {
  if (storage.getWidth() != 4 && storage.getWidth() != 8)
    return emitError() << "expected storage of 4 or 8 bits, found " << storage;
  if (group < 1)
    return emitError() << "expected a positive group, found " << group;
  return success();
}
