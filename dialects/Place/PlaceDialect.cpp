//===- PlaceDialect.cpp - the place dialect and its verifiers -------------===//
#include "Place/Place.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/OpImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace yoke::place;

#include "Place/PlaceDialect.cpp.inc"

#include "Place/PlaceEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "Place/PlaceAttrs.cpp.inc"

#define GET_OP_CLASSES
#include "Place/PlaceOps.cpp.inc"

void PlaceDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "Place/PlaceAttrs.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "Place/PlaceOps.cpp.inc"
      >();
}

LogicalResult OnOp::verify() {
  for (auto [number, input] : llvm::enumerate(getInputs())) {
    if (!isa<RankedTensorType>(input.getType()))
      continue;
    if (auto maker = input.getDefiningOp<OnOp>(); maker && maker.getDevice() != getDevice())
      return emitOpError() << "expected operand " << number << ", made on " << stringifyDevice(maker.getDevice())
                           << ", to come through a place.transfer to " << stringifyDevice(getDevice());
    if (auto transfer = input.getDefiningOp<TransferOp>(); transfer && transfer.getDestination() != getDevice())
      return emitOpError() << "expected operand " << number << " to be transferred to " << stringifyDevice(getDevice())
                           << ", found a transfer to " << stringifyDevice(transfer.getDestination());
  }
  return success();
}

LogicalResult OnOp::verifyRegions() {
  Block &block = getBody().front();
  if (block.getArgumentTypes() != getInputs().getTypes())
    return emitOpError("expected the region's arguments to have the operands' types");
  auto yield = dyn_cast<YieldOp>(block.getTerminator());
  if (!yield || yield.getValues().getTypes() != getOutputs().getTypes())
    return emitOpError("expected the region to end with a place.yield of the results' types");
  return success();
}

LogicalResult TransferOp::verify() {
  if (getSource() == getDestination())
    return emitOpError() << "expected two devices, found " << stringifyDevice(getSource()) << " twice";
  if (auto maker = getValue().getDefiningOp<OnOp>(); maker && maker.getDevice() != getSource())
    return emitOpError() << "expected a transfer from " << stringifyDevice(maker.getDevice())
                         << ", which made the value, found one from " << stringifyDevice(getSource());
  return success();
}

LogicalResult ScheduleAttr::verify(function_ref<InFlightDiagnostic()> emitError, ScheduleKind, int64_t subBatches,
                                   Device attention, int64_t devices, int64_t rows, DenseI64ArrayAttr lengths,
                                   DenseI64ArrayAttr channels) {
  if (subBatches != 1 && subBatches != 2)
    return emitError() << "expected 1 or 2 sub-batches, found " << subBatches;
  if (attention != Device::npu && attention != Device::pim)
    return emitError() << "expected attention on npu or pim, found " << stringifyDevice(attention);
  if (devices < 1 || rows < 1)
    return emitError() << "expected at least one device and one row, found " << devices << " and " << rows;
  if (lengths.empty() || lengths.size() != channels.size())
    return emitError() << "expected as many channels as lengths, at least one, found " << channels.size() << " and "
                       << lengths.size();
  for (auto [length, channel] : llvm::zip(lengths.asArrayRef(), channels.asArrayRef()))
    if (length < rows || length > (1 << 20) || channel < 0 || channel > INT16_MAX)
      return emitError() << "expected lengths from the " << rows << " new tokens to 2^20 and channels from 0 to "
                         << INT16_MAX << ", found " << length << " and " << channel;
  return success();
}
