//===- EmitRows.cpp - kernels that go row by row --------------------------===//
#include "LowerCpu/Kernel.h"

using namespace mlir;
using namespace yoke;

static int64_t columnsOf(Value value) { return cast<RankedTensorType>(value.getType()).getDimSize(1); }

/// Calls `body` for each row of the result that is this thread's.
static void forRows(KernelBuilder &b, Kernel &kernel, function_ref<void(Value)> body) {
  auto [begin, end] = b.share(b.rows(kernel.result));
  b.loop(begin, end, b.index(1), body);
}

/// A bfloat16 in the low or the high half of `pair`, as float32.
static Value widenHalf(KernelBuilder &b, Value pair, bool high) {
  auto constant = [&](int64_t value) {
    return arith::ConstantOp::create(b, b.getI32IntegerAttr(static_cast<int32_t>(value)));
  };
  Value bits = high ? arith::AndIOp::create(b, pair, constant(0xffff0000)).getResult()
                    : arith::ShLIOp::create(b, pair, constant(16)).getResult();
  return arith::BitcastOp::create(b, b.getF32Type(), bits);
}

/// Copies row `id` of a table that lies in panels, because a projection multiplies by it too.
static void emitPanelRow(KernelBuilder &b, Kernel &kernel, Value table, Value id, Value row, int64_t columns) {
  auto type = cast<MemRefType>(table.getType());
  Value panel = b.quotient(id, type.getDimSize(2)), lane = b.remainder(id, type.getDimSize(2));
  if (!type.getElementType().isInteger(32)) {
    b.loop(b.index(0), b.index(columns), b.index(1), [&](Value column) {
      Value x = b.element(table, {panel, column, lane});
      if (!x.getType().isF32())
        x = arith::ExtFOp::create(b, b.getF32Type(), x);
      b.setElement(x, kernel.result, {row, column});
    });
    return;
  }
  b.loop(b.index(0), b.index(columns / 2), b.index(1), [&](Value pair) {
    Value both = b.element(table, {panel, pair, lane});
    Value column = b.mul(pair, b.index(2));
    b.setElement(widenHalf(b, both, false), kernel.result, {row, column});
    b.setElement(widenHalf(b, both, true), kernel.result, {row, b.add(column, b.index(1))});
  });
  if (columns % 2 != 0)
    b.setElement(widenHalf(b, b.element(table, {panel, b.index(columns / 2), lane}), false), kernel.result,
                 {row, b.index(columns - 1)});
}

void yoke::emitEmbedding(KernelBuilder &b, Kernel &kernel) {
  auto op = kernel.find<llm::EmbeddingOp>();
  Value ids = kernel.memory.lookup(op.getIds()), table = kernel.memory.lookup(op.getTable());
  int64_t columns = columnsOf(op.getResult());
  forRows(b, kernel, [&](Value row) {
    Value id = b.add(b.toIndex(b.element(ids, row)), b.index(op.getOffset()));
    if (cast<MemRefType>(table.getType()).getRank() == 3)
      return emitPanelRow(b, kernel, table, id, row, columns);
    b.forColumns(columns, [&](Columns place) { b.store(b.load(table, id, place), kernel.result, row, place); });
  });
}

void yoke::emitRopeTable(KernelBuilder &b, Kernel &kernel) {
  llm::RopeAttr rope = kernel.find<llm::RopeTableOp>().getRope();
  int64_t half = rope.getDims() / 2;
  Value positions = kernel.batch.positions;
  Value isLong;
  if (!rope.getLongFrequencies().empty()) {
    Value none = arith::ConstantOp::create(b, b.getI32IntegerAttr(-1));
    Value last = b.reduce(b.index(0), b.rows(positions), b.index(1), none, [&](Value t, ValueRange carried) {
      return SmallVector<Value>{arith::MaxSIOp::create(b, carried[0], b.element(positions, t))};
    })[0];
    Value from = arith::ConstantOp::create(b, b.getI32IntegerAttr(static_cast<int32_t>(rope.getLongFrom())));
    isLong = arith::CmpIOp::create(b, arith::CmpIPredicate::sge, last, from);
  }
  auto choose = [&](double usual, double other) {
    return isLong ? arith::SelectOp::create(b, isLong, b.scalar(other), b.scalar(usual)).getResult() : b.scalar(usual);
  };
  Value magnitude = choose(rope.getMagnitude().convertToDouble(), rope.getLongMagnitude().convertToDouble());
  forRows(b, kernel, [&](Value row) {
    Value position = arith::SIToFPOp::create(b, b.getF32Type(), b.element(positions, row));
    for (int64_t i = 0; i < half; ++i) {
      Value frequency = choose(rope.getFrequencies()[i], isLong ? rope.getLongFrequencies()[i] : 0.0);
      Value angle = b.mul(position, frequency);
      b.setElement(b.mul(math::CosOp::create(b, angle), magnitude), kernel.result, {row, b.index(i)});
      b.setElement(b.mul(math::SinOp::create(b, angle), magnitude), kernel.result, {row, b.index(half + i)});
    }
  });
}

void yoke::emitRotation(KernelBuilder &b, llm::RopeStyle style, Value table, Value token, int64_t dims, Value head,
                        ValueRange leading) {
  int64_t half = dims / 2;
  if (style == llm::RopeStyle::interleaved) {
    auto at = [&](Value i) {
      SmallVector<Value> indices(leading);
      indices.push_back(i);
      return indices;
    };
    b.loop(b.index(0), b.index(half), b.index(1), [&](Value i) {
      Value cosine = b.element(table, {token, i}), sine = b.element(table, {token, b.add(i, b.index(half))});
      Value even = b.mul(i, b.index(2)), odd = b.add(even, b.index(1));
      Value x = b.element(head, at(even)), y = b.element(head, at(odd));
      b.setElement(b.sub(b.mul(x, cosine), b.mul(y, sine)), head, at(even));
      b.setElement(b.add(b.mul(y, cosine), b.mul(x, sine)), head, at(odd));
    });
    return;
  }
  b.forColumns(half, [&](Columns place) {
    Columns second = b.shifted(place, b.index(half));
    Value cosine = b.load(table, token, place), sine = b.load(table, token, second);
    Value x = b.load(head, leading, place), y = b.load(head, leading, second);
    b.store(b.sub(b.mul(x, cosine), b.mul(y, sine)), head, leading, place);
    b.store(b.add(b.mul(y, cosine), b.mul(x, sine)), head, leading, second);
  });
}

void yoke::emitRope(KernelBuilder &b, Kernel &kernel) {
  auto op = kernel.find<llm::RopeOp>();
  Value x = kernel.memory.lookup(op.getX()), table = kernel.memory.lookup(op.getTable());
  int64_t columns = columnsOf(op.getX()), headDim = op.getHeadDim(), dims = columnsOf(op.getTable());
  forRows(b, kernel, [&](Value row) {
    b.forColumns(columns, [&](Columns place) { b.store(b.load(x, row, place), kernel.result, row, place); });
    b.loop(b.index(0), b.index(columns), b.index(headDim), [&](Value start) {
      auto type = cast<MemRefType>(kernel.result.getType());
      SmallVector<OpFoldResult> offsets = {row, start};
      SmallVector<OpFoldResult> sizes = {b.getIndexAttr(1), b.getIndexAttr(headDim)};
      SmallVector<OpFoldResult> strides(2, b.getIndexAttr(1));
      auto headType = memref::SubViewOp::inferResultType(type, offsets, sizes, strides);
      Value head = memref::SubViewOp::create(b, cast<MemRefType>(headType), kernel.result, offsets, sizes, strides);
      emitRotation(b, op.getStyle(), table, row, dims, head, b.index(0));
    });
  });
}

void yoke::emitPool(KernelBuilder &b, Kernel &kernel) {
  auto op = kernel.find<llm::PoolOp>();
  Value x = kernel.memory.lookup(op.getX());
  int64_t columns = columnsOf(op.getX());
  forRows(b, kernel, [&](Value sequence) {
    Value first = b.toIndex(b.element(kernel.batch.outputs, sequence));
    Value length = b.toIndex(b.element(kernel.batch.limits, first));
    Value begin = first, end = b.add(first, length);
    if (op.getKind() == llm::PoolKind::first)
      end = b.add(first, b.index(1));
    if (op.getKind() == llm::PoolKind::last)
      begin = b.sub(end, b.index(1));
    Value rows =
        arith::SIToFPOp::create(b, b.getF32Type(), arith::IndexCastOp::create(b, b.getI64Type(), b.sub(end, begin)));
    Value inverse = b.broadcast(b.div(b.scalar(1.0), rows));
    Value squares = b.reduceColumns(columns, b.splat(0.0), [&](Columns place, ValueRange carried) {
      Value sum = b.reduce(begin, end, b.index(1), b.splat(0.0), [&](Value row, ValueRange sum) {
        return SmallVector<Value>{b.add(sum[0], b.load(x, row, place))};
      })[0];
      Value mean = b.mul(sum, inverse);
      b.store(mean, kernel.result, sequence, place);
      return SmallVector<Value>{b.fma(mean, mean, carried[0])};
    })[0];
    if (!op.getNormalize())
      return;
    Value length2 = b.max(math::SqrtOp::create(b, b.reduceAdd(squares)), b.scalar(1e-12));
    Value factor = b.broadcast(b.div(b.scalar(1.0), length2));
    b.forColumns(columns, [&](Columns place) {
      b.store(b.mul(b.load(kernel.result, sequence, place), factor), kernel.result, sequence, place);
    });
  });
}
