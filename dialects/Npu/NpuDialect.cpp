//===- NpuDialect.cpp - the npu dialect and its verifiers -----------------===//
#include "Npu/Npu.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/OpImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace yoke::npu;

#include "Npu/NpuDialect.cpp.inc"

#include "Npu/NpuEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "Npu/NpuAttrs.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "Npu/NpuTypes.cpp.inc"

#define GET_OP_CLASSES
#include "Npu/NpuOps.cpp.inc"

void NpuDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "Npu/NpuAttrs.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "Npu/NpuTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "Npu/NpuOps.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// Types and attributes
//===----------------------------------------------------------------------===//

Type TileType::parse(AsmParser &parser) {
  SmallVector<int64_t> shape;
  Type element;
  SMLoc where = parser.getCurrentLocation();
  if (parser.parseLess() || parser.parseDimensionList(shape, /*allowDynamic=*/false) || parser.parseType(element) ||
      parser.parseGreater())
    return {};
  if (shape.size() != 2) {
    parser.emitError(where) << "expected rows x columns, found " << shape.size() << " dimensions";
    return {};
  }
  return parser.getChecked<TileType>(where, parser.getContext(), shape[0], shape[1], element);
}

void TileType::print(AsmPrinter &printer) const {
  printer << '<' << getRows() << 'x' << getColumns() << 'x' << getElement() << '>';
}

LogicalResult TileType::verify(function_ref<InFlightDiagnostic()> emitError, int64_t rows, int64_t columns,
                               Type element) {
  constexpr int64_t mostBytes = int64_t(1) << 40;
  if (!element.isInteger(4) && !element.isInteger(8) && !element.isF16() && !element.isF32())
    return emitError() << "expected elements i4, i8, f16 or f32, found " << element;
  if (rows < 1 || columns < 1 || rows > INT32_MAX || columns > INT32_MAX || rows > mostBytes / columns)
    return emitError() << "expected 1 to 2^31 - 1 rows and columns and at most 2^40 elements, found " << rows << " x "
                       << columns;
  if (rows * columns * int64_t(element.getIntOrFloatBitWidth()) % 8)
    return emitError() << "expected whole bytes, found " << rows * columns << " elements of "
                       << element.getIntOrFloatBitWidth() << " bits";
  return success();
}

LogicalResult MachineAttr::verify(function_ref<InFlightDiagnostic()> emitError, int64_t channels, int64_t banks,
                                  int64_t rows, int64_t rowBytes) {
  auto check = [&](StringRef what, int64_t value, int64_t most) -> LogicalResult {
    if (value >= 1 && value <= most)
      return success();
    return emitError() << "expected 1 <= " << what << " <= " << most << ", found " << value;
  };
  return success(succeeded(check("channels", channels, INT16_MAX)) && succeeded(check("banks", banks, 64)) &&
                 succeeded(check("rows", rows, 1 << 30)) && succeeded(check("row_bytes", rowBytes, 1 << 20)));
}

//===----------------------------------------------------------------------===//
// Verifiers
//===----------------------------------------------------------------------===//

LogicalResult yoke::npu::checkAddress(Operation *op, StringRef what, int64_t value, int64_t end) {
  if (value >= 0 && value < end)
    return success();
  return op->emitOpError() << "expected 0 <= " << what << " < " << end << ", found " << value;
}

static LogicalResult checkFreed(Operation *op, Value tile) {
  auto load = tile ? tile.getDefiningOp<MoveInOp>() : MoveInOp();
  if (load && load.getResident())
    return success();
  return op->emitOpError("expected what it frees to be the result of a resident npu.movin");
}

LogicalResult ProgramOp::verifyRegions() {
  for (Operation &op : getBody().front())
    if (!isa<StageOp>(op))
      return op.emitOpError("expected an npu.stage in an npu.program");
  MachineAttr machine = getMachine();
  WalkResult result = walk([&](MoveOutOp op) {
    if (!op.getChannel())
      return WalkResult::advance();
    if (op.getBytes() > uint64_t(machine.getRowBytes())) {
      op.emitOpError() << "expected at most the " << machine.getRowBytes() << " bytes of a row, found "
                       << op.getBytes();
      return WalkResult::interrupt();
    }
    return succeeded(checkAddress(op, "channel", *op.getChannel(), machine.getChannels())) &&
                   succeeded(checkAddress(op, "bank", *op.getBank(), machine.getBanks())) &&
                   succeeded(checkAddress(op, "row", *op.getRow(), machine.getRows()))
               ? WalkResult::advance()
               : WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

LogicalResult RepeatOp::inferReturnTypes(MLIRContext *context, std::optional<Location>, ValueRange operands,
                                         DictionaryAttr, OpaqueProperties, RegionRange,
                                         SmallVectorImpl<Type> &results) {
  results.assign(operands.size(), TokenType::get(context));
  return success();
}

LogicalResult RepeatOp::verifyRegions() {
  Block &block = getBody().front();
  if (block.getArgumentTypes() != getInputs().getTypes())
    return emitOpError() << "expected " << getInputs().size() << " arguments of the body, all tokens, found "
                         << block.getNumArguments();
  auto yield = dyn_cast<YieldOp>(block.getTerminator());
  if (!yield || yield.getValues().size() != getInputs().size())
    return emitOpError() << "expected the body to end with an npu.yield of " << getInputs().size() << " tokens";
  return success();
}

LogicalResult MoveOutOp::verify() {
  if (getChannel().has_value() == getBank().has_value() && getBank().has_value() == getRow().has_value())
    return success();
  return emitOpError("expected channel, bank and row together");
}

LogicalResult GemmOp::verify() {
  if (!getFrees())
    return success();
  return checkFreed(*this, getInputs().empty() ? Value() : getInputs().front());
}

LogicalResult JoinOp::verify() {
  if (getMark() && getInputs().empty())
    return emitOpError("expected a mark to have operands");
  return success();
}

LogicalResult FreeOp::verify() { return checkFreed(*this, getTile()); }
