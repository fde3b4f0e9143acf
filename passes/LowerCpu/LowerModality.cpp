//===- LowerModality.cpp - regions by modality in the step function -------===//
//
// The rows of a modality are put one behind the other, its region's kernels run on those, and what they made is put
// back in its place. Nothing is done, and no weight read, for a modality that no token has.
//
//===----------------------------------------------------------------------===//
#include "LowerCpu/StepFunction.h"

using namespace mlir;
using namespace yoke;

/// Goes over the rows of modality `number`: calls `visit` with those of this thread's share and their places among all
/// of the modality. Returns how many the modality has.
static Value forRowsOf(KernelBuilder &b, Value modalities, Value number,
                       function_ref<void(Value row, Value place)> visit) {
  Value count = b.rows(modalities);
  auto [begin, end] = b.share(count);
  return b.reduce(b.index(0), count, b.index(1), b.index(0), [&, begin = begin, end = end](Value row, ValueRange sum) {
    auto compare = [&](arith::CmpIPredicate predicate, Value x, Value y) -> Value {
      return arith::CmpIOp::create(b, predicate, x, y);
    };
    Value isOne = compare(arith::CmpIPredicate::eq, b.element(modalities, row), number);
    Value isOurs = arith::AndIOp::create(b, compare(arith::CmpIPredicate::uge, row, begin),
                                         compare(arith::CmpIPredicate::ult, row, end));
    b.when(arith::AndIOp::create(b, isOne, isOurs), [&] { visit(row, sum[0]); });
    return SmallVector<Value>{arith::SelectOp::create(b, isOne, b.add(sum[0], b.index(1)), sum[0])};
  })[0];
}

/// The numbers of `op` for the tokens of this thread.
static void emitModalities(KernelBuilder &b, llm::ModalitiesOp op, Value tokens, Value modalities) {
  auto integer = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(b, b.getI32IntegerAttr(static_cast<int32_t>(value)));
  };
  auto [begin, end] = b.share(b.rows(tokens));
  b.loop(begin, end, b.index(1), [&](Value row) {
    Value token = b.element(tokens, row), modality = integer(0);
    for (auto [first, last, number] : llvm::zip_equal(op.getBegins(), op.getEnds(), op.getNumbers())) {
      Value isFrom = arith::CmpIOp::create(b, arith::CmpIPredicate::sge, token, integer(first));
      Value isUpTo = arith::CmpIOp::create(b, arith::CmpIPredicate::sle, token, integer(last - 1));
      modality = arith::SelectOp::create(b, arith::AndIOp::create(b, isFrom, isUpTo), integer(number), modality);
    }
    b.setElement(modality, modalities, row);
  });
}

/// The numbers of `op` for all tokens, one after the other: each looks up what is open behind the token before it.
static void emitSegments(KernelBuilder &b, llm::SegmentsOp op, const KernelOperands &step, Value modalities) {
  auto cache = cast<llm::KVCacheType>(op.getCache().getType());
  Type element = b.getIntegerType(cache.getElement().getWidth());
  auto constant = [&](Type type, int64_t value) -> Value {
    return arith::ConstantOp::create(b, b.getIntegerAttr(type, value));
  };
  auto is = [&](Value x, Value y) -> Value { return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, x, y); };
  auto select = [&](Value condition, Value x, Value y) -> Value { return arith::SelectOp::create(b, condition, x, y); };
  auto indexAt = [&](Value list, Value at) { return b.toIndex(b.element(list, at)); };
  constexpr int64_t pageTokens = KernelShape::pageTokens;
  /// What is open behind the token in `slot` of the sequence of token `row`.
  auto placeOf = [&](Value row, Value slot) {
    Value table = b.mul(indexAt(step.batch.sequences, row), step.batch.blockStride);
    Value page = indexAt(step.batch.blocks, b.add(table, b.quotient(slot, pageTokens)));
    Value start = b.add(b.mul(page, b.index(cache.getLayers() * layerPageBytes(cache))), step.pageOffset);
    return b.view(step.kv, start, MemRefType::get({pageTokens}, element));
  };
  Value none = constant(element, 0), zero = b.index(0), one = b.index(1);
  b.loop(zero, b.rows(modalities), one, [&](Value row) {
    Value parent = indexAt(step.batch.parents, row), slot = indexAt(step.batch.slots, row);
    Value hasParent = arith::CmpIOp::create(b, arith::CmpIPredicate::sge, parent, zero);
    Value inStep = indexAt(step.batch.slots, b.greatest(parent, zero));
    Value before = select(hasParent, inStep, b.sub(indexAt(step.batch.positions, row), one));
    Value isFirst = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, before, zero);
    before = b.greatest(before, zero);
    Value open = b.element(placeOf(row, before), b.remainder(before, pageTokens));
    open = select(isFirst, none, open);
    Value modality = open, token = b.element(step.tensors[0], row);
    for (auto [opens, closes, number] : llvm::zip_equal(op.getOpens(), op.getCloses(), op.getNumbers())) {
      Value isOpen = is(token, constant(b.getI32Type(), opens)), isClose = is(token, constant(b.getI32Type(), closes));
      open = select(isOpen, constant(element, number), select(isClose, none, open));
      modality = select(arith::OrIOp::create(b, isOpen, isClose), none, modality);
    }
    b.setElement(open, placeOf(row, slot), b.remainder(slot, pageTokens));
    if (element != b.getI32Type())
      modality = arith::ExtUIOp::create(b, b.getI32Type(), modality);
    b.setElement(modality, modalities, row);
  });
}

void StepFunction::lowerSegments(llm::SegmentsOp op) {
  Value modalities = memory[op.getModalities()] = rowNumbers(op.getModalities());
  KernelOperands operands;
  operands.team = team;
  operands.tensors = {memory.lookup(op.getTokens())};
  operands.batch = batch;
  operands.kv = kv;
  auto cache = cast<llm::KVCacheType>(op.getCache().getType());
  operands.pageOffset = index(static_cast<int64_t>(op.getLayer()) * layerPageBytes(cache));
  KernelBuilder kernel(op.getLoc(), *builder, shape, team);
  Value isFirst = arith::CmpIOp::create(kernel, arith::CmpIPredicate::eq, team.thread, index(0));
  kernel.when(isFirst, [&] { emitSegments(kernel, op, operands, modalities); });
  barrier(op.getLoc());
}

void StepFunction::lowerModalities(llm::ModalitiesOp op) {
  Value modalities = memory[op.getModalities()] = rowNumbers(op.getModalities());
  KernelBuilder kernel(op.getLoc(), *builder, shape, team);
  emitModalities(kernel, op, memory.lookup(op.getTokens()), modalities);
  barrier(op.getLoc());
}

LogicalResult StepFunction::lowerByModality(llm::ByModalityOp op) {
  Value modalities = memory.lookup(op.getModalities());
  for (Value output : op.getOutputs())
    memory[output] = bufferFor(output);
  for (auto [number, region] : llvm::enumerate(op.getBodies())) {
    builder->setLoc(op.getLoc());
    Block &body = region.front();
    SmallVector<Value> call = {
        modalities, arith::ConstantOp::create(*builder, builder->getI32IntegerAttr(static_cast<int32_t>(number)))};
    SmallVector<Value> gather(call);
    rowsOf[&body] = memref::DimOp::create(*builder, tokens, 0);
    for (auto [input, rows] : llvm::zip_equal(op.getInputs(), body.getArguments()))
      gather.append({memory.lookup(input), bufferFor(rows)});
    auto copyPairs = [](KernelBuilder &b, Block &entry, bool isGather) -> Value {
      return forRowsOf(b, entry.getArgument(0), entry.getArgument(1), [&](Value row, Value place) {
        for (unsigned pair = 2; pair + 1 < entry.getNumArguments() - 2; pair += 2)
          copyRow(b, entry.getArgument(pair), isGather ? row : place, entry.getArgument(pair + 1),
                  isGather ? place : row);
      });
    };
    rowsOf[&body] = callShared("modality_rows", gather, builder->getIndexType(), [&](KernelBuilder &b, Block &entry) {
                      return SmallVector<Value>{copyPairs(b, entry, /*isGather=*/true)};
                    }).getResult(0);
    for (Value rows : body.getArguments())
      memory[rows] = bufferFor(rows);
    barrier(op.getLoc());
    Value some = arith::CmpIOp::create(*builder, arith::CmpIPredicate::ne, rowsOf[&body], index(0));
    auto computes = scf::IfOp::create(*builder, some, /*withElseRegion=*/false);
    builder->setInsertionPointToStart(computes.thenBlock());
    if (failed(lowerBlock(body)))
      return failure();
    builder->setLoc(op.getLoc());
    SmallVector<Value> scatter(call);
    for (auto [made, output] : llvm::zip_equal(body.getTerminator()->getOperands(), op.getOutputs()))
      scatter.append({memory.lookup(made), memory[output]});
    callShared("modality_results", scatter, {}, [&](KernelBuilder &b, Block &entry) {
      copyPairs(b, entry, /*isGather=*/false);
      return SmallVector<Value>();
    });
    barrier(op.getLoc());
    builder->setInsertionPointAfter(computes);
  }
  return success();
}
