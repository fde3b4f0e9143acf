//===- SkippedRows.cpp - code around a region that rows skip --------------===//
#include "LowerCpu/SkippedRows.h"

using namespace mlir;
using namespace yoke;

template <typename Rows, typename Visit> static void forEach(Rows &rows, Visit visit) {
  for (auto *value : {&rows.x, &rows.skips, &rows.active, &rows.positions, &rows.delta, &rows.tau, &rows.warmUp,
                      &rows.k, &rows.result, &rows.remaining, &rows.skipped, &rows.cosines})
    if (*value)
      visit(*value);
}

SmallVector<Value> SkippedRows::flatten() const {
  SmallVector<Value> values;
  forEach(*this, [&](Value value) { values.push_back(value); });
  return values;
}

SkippedRows SkippedRows::inside(Block &entry) const {
  SkippedRows copy = *this;
  unsigned next = 0;
  forEach(copy, [&](Value &value) { value = entry.getArgument(next++); });
  return copy;
}

static int64_t columnsOf(Value memory) { return cast<MemRefType>(memory.getType()).getDimSize(1); }

static Value integer(KernelBuilder &b, int32_t value) {
  return arith::ConstantOp::create(b, b.getI32IntegerAttr(value));
}

static Value compare(KernelBuilder &b, arith::CmpIPredicate predicate, Value x, Value y) {
  return arith::CmpIOp::create(b, predicate, x, y);
}

/// Calls `body` for each row of this thread's share, with whether it is computed and, if so, its place among the rows
/// that are. Returns the number of computed rows of all threads.
static Value forRows(KernelBuilder &b, const SkippedRows &rows,
                     function_ref<void(Value row, Value isActive, Value place)> body) {
  Value count = b.rows(rows.x);
  auto [begin, end] = b.share(count);
  if (!rows.skips) {
    b.loop(begin, end, b.index(1), [&](Value row) { body(row, {}, row); });
    return count;
  }
  return b.reduce(b.index(0), count, b.index(1), b.index(0), [&, begin = begin, end = end](Value row, ValueRange sum) {
    Value isActive = compare(b, arith::CmpIPredicate::eq, b.element(rows.skips, row), integer(b, 0));
    Value isOurs = arith::AndIOp::create(b, compare(b, arith::CmpIPredicate::uge, row, begin),
                                         compare(b, arith::CmpIPredicate::ult, row, end));
    b.when(isOurs, [&] { body(row, isActive, sum[0]); });
    return SmallVector<Value>{arith::SelectOp::create(b, isActive, b.add(sum[0], b.index(1)), sum[0])};
  })[0];
}

void yoke::copyRow(KernelBuilder &b, Value from, Value fromRow, Value to, Value toRow) {
  b.forColumns(columnsOf(to), [&](Columns columns) { b.store(b.load(from, fromRow, columns), to, toRow, columns); });
}

Value yoke::emitActiveRows(KernelBuilder &b, const SkippedRows &rows) {
  return forRows(b, rows, [&](Value row, Value isActive, Value place) {
    b.when(isActive, [&] { copyRow(b, rows.x, row, rows.active, place); });
  });
}

/// Writes x + delta and what follows from its likeness to x.
static void emitComputedRow(KernelBuilder &b, const SkippedRows &rows, Value row, Value place) {
  Value zero = b.splat(0.0);
  SmallVector<Value> sums =
      b.reduceColumns(columnsOf(rows.x), {zero, zero, zero}, [&](Columns columns, ValueRange sum) {
        Value x = b.load(rows.x, row, columns), y = b.add(x, b.load(rows.delta, place, columns));
        b.store(y, rows.result, row, columns);
        return SmallVector<Value>{b.fma(x, y, sum[0]), b.fma(x, x, sum[1]), b.fma(y, y, sum[2])};
      });
  Value dot = b.reduceAdd(sums[0]);
  Value norms = math::SqrtOp::create(b, b.mul(b.reduceAdd(sums[1]), b.reduceAdd(sums[2])));
  if (rows.cosines) {
    b.setElement(b.div(dot, norms), rows.cosines, row);
    b.setElement(integer(b, 0), rows.remaining, row);
    return;
  }
  Value isAlike = arith::CmpFOp::create(b, arith::CmpFPredicate::OGE, dot, b.mul(rows.tau, norms));
  Value isWarm = compare(b, arith::CmpIPredicate::sge, b.element(rows.positions, row), rows.warmUp);
  Value skips = arith::AndIOp::create(b, isAlike, isWarm);
  b.setElement(arith::SelectOp::create(b, skips, rows.k, integer(b, 0)), rows.remaining, row);
}

void yoke::emitSkipResult(KernelBuilder &b, const SkippedRows &rows) {
  Value computed = forRows(b, rows, [&](Value row, Value isActive, Value place) {
    if (!isActive)
      return emitComputedRow(b, rows, row, place);
    b.when(
        isActive, [&] { emitComputedRow(b, rows, row, place); },
        [&] {
          copyRow(b, rows.x, row, rows.result, row);
          b.setElement(b.sub(b.element(rows.skips, row), integer(b, 1)), rows.remaining, row);
        });
  });
  if (!rows.skipped)
    return;
  Value isFirst = compare(b, arith::CmpIPredicate::eq, b.team.thread, b.index(0));
  b.when(isFirst, [&] {
    Value skipped = arith::IndexCastOp::create(b, b.getI64Type(), b.sub(b.rows(rows.x), computed));
    b.setElement(b.add(b.element(rows.skipped, b.index(0)), skipped), rows.skipped, b.index(0));
  });
}
