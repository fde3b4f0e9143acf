//===- BestColumns.cpp - the best columns of rows that are never written --===//
#include "LowerCpu/BestColumns.h"

#include <limits>

using namespace mlir;
using namespace yoke;
using arith::CmpFPredicate;

/// Of a team, as in the manifest.
static constexpr int64_t maxThreads = 64;
static constexpr double lowest = -std::numeric_limits<double>::infinity();

int64_t BestColumns::bytesPerRow(int64_t k) {
  return maxThreads * k * static_cast<int64_t>(sizeof(float) + sizeof(int32_t));
}

BestColumns::BestColumns(KernelBuilder &b, int64_t k, Value workspace, Value offset, Value rows)
    : b(b), k(k), rows(rows) {
  Value count = b.mul(b.mul(b.team.threads, rows), b.index(k));
  auto list = [&](Type element) { return MemRefType::get({ShapedType::kDynamic}, element); };
  lists = memref::ViewOp::create(b, list(b.getF32Type()), workspace, offset, count);
  Value behind = b.add(offset, b.mul(count, b.index(sizeof(float))));
  numbers = memref::ViewOp::create(b, list(b.getI32Type()), workspace, behind, count);
}

Value BestColumns::at(Value thread, Value row, Value index) {
  return b.add(b.mul(b.add(b.mul(thread, rows), row), b.index(k)), index);
}

static Value integer(KernelBuilder &b, int64_t value) {
  return arith::ConstantOp::create(b, b.getI32IntegerAttr(static_cast<int32_t>(value)));
}

void BestColumns::clear() {
  Value none = b.scalar(lowest), nobody = integer(b, -1);
  Value begin = at(b.team.thread, b.index(0), b.index(0));
  b.loop(begin, b.add(begin, b.mul(rows, b.index(k))), b.index(1), [&](Value place) {
    b.setElement(none, lists, place);
    b.setElement(nobody, numbers, place);
  });
}

void BestColumns::insert(Value values, Value ids, Value first, Entry entry) {
  auto compare = [&](CmpFPredicate predicate, Value x, Value y) -> Value {
    return arith::CmpFOp::create(b, predicate, x, y);
  };
  b.reduce(b.index(0), b.index(k), b.index(1), {entry.value, entry.id}, [&](Value index, ValueRange carried) {
    Value place = b.add(first, index), old = b.element(values, place), oldId = b.element(ids, place);
    // NaN displaces all numbers and stays.
    Value isNew = arith::AndIOp::create(b, compare(CmpFPredicate::UNO, carried[0], carried[0]),
                                        compare(CmpFPredicate::ORD, old, old));
    Value taken = arith::OrIOp::create(b, compare(CmpFPredicate::OGT, carried[0], old), isNew);
    auto choose = [&](Value x, Value y) -> Value { return arith::SelectOp::create(b, taken, x, y); };
    b.setElement(choose(carried[0], old), values, place);
    b.setElement(choose(carried[1], oldId), ids, place);
    return SmallVector<Value>{choose(old, carried[0]), choose(oldId, carried[1])};
  });
}

void BestColumns::add(Value row, Columns place, Value vector) {
  if (place.mask)
    vector = arith::SelectOp::create(b, place.mask, vector, b.splat(lowest));
  Value first = at(b.team.thread, row, b.index(0));
  Value last = b.element(lists, b.add(first, b.index(k - 1)));
  Value better = arith::CmpFOp::create(b, CmpFPredicate::UGT, vector, b.broadcast(last));
  Value any = vector::ReductionOp::create(b, vector::CombiningKind::OR, better);
  auto branch = scf::IfOp::create(b, any, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  b.loop(b.index(0), b.index(b.shape.lanes), b.index(1), [&](Value lane) {
    Value value = vector::ExtractOp::create(b, vector, OpFoldResult(lane));
    Value id = arith::IndexCastOp::create(b, b.getI32Type(), b.add(place.begin, lane));
    Value smallest = b.element(lists, b.add(first, b.index(k - 1)));
    auto enters = scf::IfOp::create(b, arith::CmpFOp::create(b, CmpFPredicate::UGT, value, smallest), false);
    OpBuilder::InsertionGuard inner(b);
    b.setInsertionPointToStart(enters.thenBlock());
    insert(lists, numbers, first, {value, id});
  });
}

void BestColumns::merge(Value values, Value ids) {
  b.barrier();
  auto flat = MemRefType::get({ShapedType::kDynamic}, b.getF32Type());
  SmallVector<OpFoldResult> sizes = {b.mul(rows, b.index(k))}, strides = {b.getIndexAttr(1)};
  Value all = memref::ReinterpretCastOp::create(b, flat, values, b.getIndexAttr(0), sizes, strides);
  auto [begin, end] = b.share(rows);
  b.loop(begin, end, b.index(1), [&](Value row) {
    Value first = b.mul(row, b.index(k));
    b.loop(b.index(0), b.index(k), b.index(1), [&](Value index) {
      Value target = b.add(first, index), source = at(b.index(0), row, index);
      b.setElement(b.element(lists, source), all, target);
      b.setElement(b.element(numbers, source), ids, target);
    });
    b.loop(b.index(1), b.team.threads, b.index(1), [&](Value thread) {
      b.loop(b.index(0), b.index(k), b.index(1), [&](Value index) {
        Value source = at(thread, row, index);
        insert(all, ids, first, {b.element(lists, source), b.element(numbers, source)});
      });
    });
  });
}
