//===- LowerSkip.cpp - llm.ffn_skip in the step function ------------------===//
//
// The rows that are computed are put one behind the other; the region's kernels run on those, or not at all when there
// are none.
//
//===----------------------------------------------------------------------===//
#include "LowerCpu/StepFunction.h"

using namespace mlir;
using namespace yoke;

func::CallOp StepFunction::callShared(StringRef key, ValueRange operands, TypeRange results,
                                      function_ref<SmallVector<Value>(KernelBuilder &, Block &)> emit) {
  SmallVector<Value> all(operands);
  all.append({team.thread, team.threads});
  std::string full = key.str();
  llvm::raw_string_ostream os(full);
  for (Value operand : all)
    os << ' ' << operand.getType();
  func::FuncOp &shared = totals.sharedFunctions[full];
  if (!shared) {
    OpBuilder top(function);
    shared =
        func::FuncOp::create(top, builder->getLoc(), key, top.getFunctionType(ValueRange(all).getTypes(), results));
    shared.setPrivate();
    symbols.insert(shared);
    Block *entry = shared.addEntryBlock();
    OpBuilder inside = OpBuilder::atBlockBegin(entry);
    Team own;
    own.thread = entry->getArgument(entry->getNumArguments() - 2);
    own.threads = entry->getArgument(entry->getNumArguments() - 1);
    KernelBuilder kernel(builder->getLoc(), inside, shape, own);
    func::ReturnOp::create(kernel, emit(kernel, *entry));
  }
  return func::CallOp::create(*builder, shared, all);
}

/// Memory of one i32 a token.
Value StepFunction::rowNumbers(Value value) {
  auto type = MemRefType::get({ShapedType::kDynamic}, builder->getI32Type());
  return memref::ViewOp::create(*builder, type, arena, index(plan.buffers.lookup(value)),
                                ValueRange(memref::DimOp::create(*builder, tokens, 0)));
}

Value StepFunction::recordOf(Operation *op, Type element) {
  const ArenaRecord &record = plan.records.find(op)->second;
  return memref::ViewOp::create(*builder, MemRefType::get({record.size}, element), arena, index(record.offset),
                                ValueRange());
}

LogicalResult StepFunction::lowerSkip(llm::FfnSkipOp skip) {
  Block &body = skip.getBody().front();
  Value rows = body.getArgument(0);
  SkippedRows choice;
  choice.x = memory.lookup(skip.getX());
  if (!skip.mayBeSkipped()) {
    memory[rows] = choice.x;
    if (failed(lowerBlock(body)))
      return failure();
    emitSkipEnd(skip, choice);
    return success();
  }

  choice.skips = memory.lookup(skip.getSkips());
  rowsOf[&body] = memref::DimOp::create(*builder, tokens, 0);
  choice.active = bufferFor(rows);
  auto call = callShared("active_rows", choice.flatten(), builder->getIndexType(), [&](KernelBuilder &b, Block &entry) {
    return SmallVector<Value>{emitActiveRows(b, choice.inside(entry))};
  });
  rowsOf[&body] = call.getResult(0);
  memory[rows] = bufferFor(rows);
  barrier(skip.getLoc());
  Value some = arith::CmpIOp::create(*builder, arith::CmpIPredicate::ne, rowsOf[&body], index(0));
  auto computes = scf::IfOp::create(*builder, some, /*withElseRegion=*/false);
  builder->setInsertionPointToStart(computes.thenBlock());
  if (failed(lowerBlock(body)))
    return failure();
  builder->setInsertionPointAfter(computes);
  choice.active = {};
  emitSkipEnd(skip, choice);
  return success();
}

void StepFunction::emitSkipEnd(llm::FfnSkipOp skip, SkippedRows choice) {
  builder->setLoc(skip.getLoc());
  auto number = [&](uint64_t value) {
    return arith::ConstantOp::create(*builder, builder->getI32IntegerAttr(static_cast<int32_t>(value)));
  };
  choice.positions = memory.lookup(skip.getPositions());
  choice.delta = bufferFor(skip.getBody().front().getTerminator()->getOperand(0));
  choice.tau = arith::ConstantOp::create(*builder, skip.getTauAttr());
  choice.warmUp = number(skip.getWarmUp());
  choice.k = number(skip.getK());
  choice.result = memory[skip.getResult()] = bufferFor(skip.getResult());
  choice.remaining = memory[skip.getRemaining()] = rowNumbers(skip.getRemaining());
  if (skip.getRecord())
    choice.cosines = recordOf(skip, builder->getF32Type());
  else if (choice.skips)
    choice.skipped = recordOf(skip, builder->getI64Type());
  StringRef key = choice.cosines ? "cosines" : choice.skips ? "skip_result" : "first_skip_result";
  callShared(key, choice.flatten(), {}, [&](KernelBuilder &b, Block &entry) {
    emitSkipResult(b, choice.inside(entry));
    return SmallVector<Value>();
  });
  barrier(skip.getLoc());
}
