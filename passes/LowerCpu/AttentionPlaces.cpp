//===- AttentionPlaces.cpp - keys and values that a token sees ------------===//
#include "LowerCpu/AttentionPlaces.h"

#include "LowerCpu/QuantizedRows.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace yoke;

static constexpr int64_t pageTokens = AttentionSizes::pageTokens;

AttentionSizes::AttentionSizes(llm::AttentionOp op, const KernelShape &shape)
    : heads(op.getHeads()), kvHeads(op.getKvHeads()), headDim(op.getHeadDim()), group(heads / kvHeads),
      lanes(shape.lanes), paddedDim(llvm::alignTo(headDim, shape.lanes)),
      element(op.getCache() ? cast<llm::KVCacheType>(op.getCache().getType()).getElement()
                            : Float32Type::get(op.getContext())),
      elementBytes(element.getWidth() / 8) {
  int64_t most = std::max<int64_t>(1, shape.attentionVectors / (pageTokens / shape.lanes));
  together = std::min(most, group);
  while (group % together != 0)
    --together;
  tokens = most / together;
}

AttentionPlaces::AttentionPlaces(KernelBuilder &b, Kernel &kernel, llm::AttentionOp op, const AttentionSizes &sizes)
    : b(b), kernel(kernel), op(op), sizes(sizes) {
  if (op.getCache())
    pageBytes = cacheType().getLayers() * layerPageBytes(cacheType());
  else
    stepTokens = b.add(b.rows(kernel.result), b.index(pageTokens));
}

MemRefType AttentionPlaces::typeOf(Part part, Type element) {
  int64_t columns = part == Part::keys ? pageTokens : sizes.headDim;
  return MemRefType::get({sizes.headDim * pageTokens / columns, columns}, element);
}

Value AttentionPlaces::toStored(Value vector) {
  if (sizes.element.isF32())
    return vector;
  auto halves = VectorType::get({b.shape.lanes}, b.getI16Type());
  if (sizes.element.isF16()) {
    auto narrow = VectorType::get({b.shape.lanes}, b.getF16Type());
    return vector::BitCastOp::create(b, halves, arith::TruncFOp::create(b, narrow, vector));
  }
  return arith::TruncIOp::create(b, halves, bitsOfBFloat16(b, vector));
}

/// The page of a token's sequence, as a byte offset.
Value AttentionPlaces::pageStart(Value token, Value page) {
  Value row = b.mul(batchElement(kernel.batch.sequences, token), kernel.batch.blockStride);
  Value number = batchElement(kernel.batch.blocks, b.add(row, page));
  return b.add(b.mul(number, b.index(pageBytes)), kernel.pageOffset);
}

/// Where a head's keys or values start in the page that starts at `page`.
Value AttentionPlaces::blockStart(Part part, Value page, Value head) {
  Value block = part == Part::keys ? head : b.add(head, b.index(sizes.kvHeads));
  return b.add(page, b.mul(block, b.index(sizes.blockBytes())));
}

/// Without a cache the step's keys [head][element][token] and values [head][token][element] lie in the workspace.
/// This is the page that starts at `first`, which may be any token: pages are counted from a sequence's start, so that
/// its results do not depend on where it stands in the step.
Value AttentionPlaces::inStep(Part part, Value head, Value first) {
  int64_t width = sizes.kvHeads * sizes.headDim;
  auto view = [&](Value offset, ArrayRef<int64_t> shape, Value row, Value column, int64_t rows, int64_t columns) {
    auto type = MemRefType::get(shape, b.getF32Type());
    Value all = memref::ViewOp::create(b, type, kernel.workspace, offset, stepTokens);
    SmallVector<OpFoldResult> offsets = {row, column}, strides(2, b.getIndexAttr(1));
    SmallVector<OpFoldResult> sizes = {b.getIndexAttr(rows), b.getIndexAttr(columns)};
    return memref::SubViewOp::create(b, all, offsets, sizes, strides).getResult();
  };
  if (part == Part::keys)
    return view(b.index(0), {width, ShapedType::kDynamic}, b.mul(head, b.index(sizes.headDim)), first, sizes.headDim,
                pageTokens);
  return view(b.mul(stepTokens, b.index(width * AttentionSizes::floatBytes)), {ShapedType::kDynamic, sizes.headDim},
              b.add(b.mul(head, stepTokens), first), b.index(0), pageTokens, sizes.headDim);
}

AttentionPlaces::Own AttentionPlaces::ownPlace(Value token, Value head) {
  if (!op.getCache())
    return {inStep(Part::keys, head, token), inStep(Part::values, head, token), b.index(0)};
  Value slot = batchElement(kernel.batch.slots, token);
  Value start = pageStart(token, b.quotient(slot, pageTokens));
  auto view = [&](Part part) { return b.view(kernel.kv, blockStart(part, start, head), typeOf(part, storedType())); };
  return {view(Part::keys), view(Part::values), b.remainder(slot, pageTokens)};
}

Value AttentionPlaces::onBranch(Value token) {
  return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, batchElement(kernel.batch.slots, token),
                               batchElement(kernel.batch.positions, token));
}

Value AttentionPlaces::sameSequence(Value first, Value second) {
  Value array = kernel.batch.sequences;
  return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, b.element(array, first), b.element(array, second));
}

AttentionPlaces::Visible AttentionPlaces::visibleChain(Value token) {
  Value limit = batchElement(kernel.batch.limits, token), slot = batchElement(kernel.batch.slots, token);
  Value begin = b.index(0);
  if (op.getWindow())
    begin = b.greatest(b.sub(batchElement(kernel.batch.positions, token), b.index(*op.getWindow() - 1)), begin);
  if (op.getCache())
    return {begin, limit, b.index(std::numeric_limits<int32_t>::max()), {}};
  if (op.getMask() == llm::AttentionMask::causal)
    limit = b.least(limit, b.add(slot, b.index(1)));
  return {begin, limit, {}, b.sub(token, slot)};
}

AttentionPlaces::Visible AttentionPlaces::visible(Value token) {
  Visible chain = visibleChain(token);
  if (!op.getCache())
    return chain;
  // In a tree listed parents first, a node whose slot is its position has all earlier nodes for ancestors.
  Value position = batchElement(kernel.batch.positions, token), inTree = onBranch(token);
  Value end = arith::SelectOp::create(b, inTree, b.add(position, b.index(1)), chain.end);
  auto choice = scf::IfOp::create(b, b.getIndexType(), inTree, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(choice.thenBlock());
  Value root = forAncestors(token, [](Value) {});
  scf::YieldOp::create(b, batchElement(kernel.batch.positions, root));
  b.setInsertionPointToStart(choice.elseBlock());
  scf::YieldOp::create(b, chain.branch);
  return {chain.begin, end, choice.getResult(0), {}};
}

/// Calls `body` for a token and each of its ancestors of this step; returns the last, whose parent is committed.
Value AttentionPlaces::forAncestors(Value token, function_ref<void(Value)> body) {
  auto loop = scf::WhileOp::create(b, TypeRange{b.getIndexType(), b.getIndexType()}, ValueRange{token, token});
  OpBuilder::InsertionGuard guard(b);
  Type index = b.getIndexType();
  Block *before = b.createBlock(&loop.getBefore(), {}, {index, index}, {b.getLoc(), b.getLoc()});
  Value current = before->getArgument(0);
  Value more = arith::CmpIOp::create(b, arith::CmpIPredicate::sge, current, b.index(0));
  scf::ConditionOp::create(b, more, before->getArguments());
  Block *after = b.createBlock(&loop.getAfter(), {}, {index, index}, {b.getLoc(), b.getLoc()});
  current = after->getArgument(0);
  body(current);
  scf::YieldOp::create(b, ValueRange{batchElement(kernel.batch.parents, current), current});
  return loop.getResult(1);
}

Value AttentionPlaces::keys(Value token, Value head, Value page, const Visible &seen) {
  return find(Part::keys, token, head, page, seen);
}

Value AttentionPlaces::values(Value token, Value head, Value page, const Visible &seen) {
  return find(Part::values, token, head, page, seen);
}

Value AttentionPlaces::find(Part part, Value token, Value head, Value page, const Visible &seen) {
  if (!op.getCache())
    return inStep(part, head, b.add(seen.first, b.mul(page, b.index(pageTokens))));
  Value start = blockStart(part, pageStart(token, page), head);
  MemRefType type = typeOf(part, sizes.element);
  Value committed = b.view(kernel.kv, start, type);
  if (!seen.branch)
    return committed;
  Value end = b.mul(b.add(page, b.index(1)), b.index(pageTokens));
  Value holdsBranch = arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, end, seen.branch);
  auto choice = scf::IfOp::create(b, type, holdsBranch, true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(choice.thenBlock());
  gatherBranch(part, token, head, page, start);
  scf::YieldOp::create(b, b.view(kernel.scratch, b.index(sizes.branchStart()), type));
  b.setInsertionPointToStart(choice.elseBlock());
  scf::YieldOp::create(b, committed);
  return choice.getResult(0);
}

/// Copies what starts at `start` to scratch memory and puts the token's ancestors of this step in the places of their
/// positions.
void AttentionPlaces::gatherBranch(Part part, Value token, Value head, Value page, Value start) {
  auto flat = MemRefType::get(sizes.headDim * pageTokens, storedType());
  auto vectorType = VectorType::get({b.shape.lanes}, storedType());
  Value from = b.view(kernel.kv, start, flat), to = b.view(kernel.scratch, b.index(sizes.branchStart()), flat);
  b.loop(b.index(0), b.index(flat.getDimSize(0)), b.index(b.shape.lanes),
         [&](Value i) { vector::StoreOp::create(b, vector::LoadOp::create(b, vectorType, from, i), to, i); });
  Value target = b.view(kernel.scratch, b.index(sizes.branchStart()), typeOf(part, storedType()));
  forAncestors(token, [&](Value ancestor) {
    Value position = batchElement(kernel.batch.positions, ancestor);
    Value isHere = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, b.quotient(position, pageTokens), page);
    auto here = scf::IfOp::create(b, isHere, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(here.thenBlock());
    Own own = ownPlace(ancestor, head);
    Value source = part == Part::keys ? own.keys : own.values, place = b.remainder(position, pageTokens);
    b.loop(b.index(0), b.index(sizes.headDim), b.index(1), [&](Value d) {
      auto at = [&](Value lane) {
        return part == Part::keys ? SmallVector<Value>{d, lane} : SmallVector<Value>{lane, d};
      };
      b.setElement(b.element(source, at(own.lane)), target, at(place));
    });
  });
}
