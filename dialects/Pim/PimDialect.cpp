//===- PimDialect.cpp - the pim dialect and its verifiers -----------------===//
#include "Pim/Pim.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/OpImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace yoke::pim;
using yoke::npu::checkAddress;

#include "Pim/PimDialect.cpp.inc"

#include "Pim/PimEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "Pim/PimAttrs.cpp.inc"

#define GET_OP_CLASSES
#include "Pim/PimOps.cpp.inc"

void PimDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "Pim/PimAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "Pim/PimOps.cpp.inc"
      >();
}

static yoke::npu::MachineAttr machineOf(Operation *op) {
  auto program = op->getParentOfType<yoke::npu::ProgramOp>();
  return program ? program.getMachine() : yoke::npu::MachineAttr();
}

LogicalResult RunOp::verifyRegions() {
  yoke::npu::MachineAttr machine = machineOf(*this);
  if (!machine)
    return success();
  if (failed(checkAddress(*this, "channel", getChannel(), machine.getChannels())))
    return failure();
  WalkResult result = getBody().walk([&](Operation *op) -> WalkResult {
    if (auto write = dyn_cast<GwriteOp>(op))
      return LogicalResult(success(succeeded(checkAddress(op, "bank", write.getBank(), machine.getBanks())) &&
                                   succeeded(checkAddress(op, "row", write.getRow(), machine.getRows()))));
    if (auto tile = dyn_cast<TileOp>(op))
      return checkAddress(op, "row", tile.getRow(), machine.getRows());
    if (op->getParentOp() == *this && !isa<RepeatOp>(op))
      return op->emitOpError("expected a pim.gwrite, pim.tile or pim.repeat in a pim.run");
    bool computes = isa<CompOp, ReadResOp, CompsReadResOp>(op);
    if (computes && !op->getParentOfType<TileOp>())
      return op->emitOpError("expected computations to be inside a pim.tile");
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

LogicalResult TileOp::verifyRegions() {
  WalkResult result = getBody().walk([&](Operation *op) -> WalkResult {
    if (isa<CompOp, ReadResOp, CompsReadResOp, RepeatOp>(op))
      return WalkResult::advance();
    return op->emitOpError("expected a pim.comp, pim.readres, pim.comps_readres or pim.repeat in a pim.tile");
  });
  if (result.wasInterrupted())
    return failure();
  Block *block = &getBody().front();
  while (!block->empty() && isa<RepeatOp>(block->back()))
    block = &cast<RepeatOp>(block->back()).getBody().front();
  if (block->empty() || isa<CompOp>(block->back()))
    return emitOpError("expected the last command of a tile to read a result");
  return success();
}

LogicalResult IssueOp::verify() {
  if (getOperation() == &getOperation()->getBlock()->front())
    for (Operation &other : *getOperation()->getBlock())
      if (!isa<IssueOp>(other))
        return other.emitOpError("expected a stage of issued commands to hold nothing else");
  yoke::npu::MachineAttr machine = machineOf(*this);
  if (!machine)
    return success();
  if (failed(checkAddress(*this, "channel", getChannel(), machine.getChannels())) ||
      failed(checkAddress(*this, "bank", getBank(), machine.getBanks())))
    return failure();
  if (getRow() && failed(checkAddress(*this, "row", *getRow(), machine.getRows())))
    return failure();
  bool rowNeeded = llvm::is_contained({Command::act, Command::p_header, Command::gwrite, Command::g_act}, getCommand());
  if (rowNeeded && !getRow())
    return emitOpError() << "expected the row of " << stringifyCommand(getCommand());
  return success();
}
