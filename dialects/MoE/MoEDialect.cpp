//===- MoEDialect.cpp - registration of the moe dialect -------------------===//
#include "MoE/MoE.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Transforms/InliningUtils.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace yoke::moe;

#include "MoE/MoEDialect.cpp.inc"

#include "MoE/MoEEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "MoE/MoEAttrs.cpp.inc"

namespace {
/// Every moe op may move into another region.
struct InlineAnywhere : DialectInlinerInterface {
  using DialectInlinerInterface::DialectInlinerInterface;
  bool isLegalToInline(Operation *, Region *, bool, IRMapping &) const final { return true; }
  bool isLegalToInline(Region *, Region *, bool, IRMapping &) const final { return true; }
};
} // namespace

void MoEDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "MoE/MoEAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "MoE/MoEOps.cpp.inc"
      >();
  addInterfaces<InlineAnywhere>();
}
