//===- AttentionRows.cpp - scores, exponentials and sums of some rows -----===//
#include "LowerCpu/AttentionRows.h"

#include "LLM/LLMElementwise.h"

using namespace mlir;
using namespace yoke;

static constexpr int64_t pageTokens = AttentionSizes::pageTokens;
static constexpr int64_t chunkPages = AttentionSizes::chunkPages;
/// Below every score and far above minus infinity, whose difference with itself is no number.
static constexpr double lowest = -1e30;

AttentionRows::AttentionRows(KernelBuilder &b, Kernel &kernel, llm::AttentionOp op, const AttentionSizes &sizes,
                             AttentionPlaces &places)
    : b(b), kernel(kernel), op(op), sizes(sizes), places(places) {
  auto view = [&](int64_t start, ArrayRef<int64_t> shape) {
    return b.view(kernel.scratch, b.index(start), MemRefType::get(shape, b.getF32Type()));
  };
  int64_t stateColumns = sizes.stateBytes() / AttentionSizes::floatBytes;
  query = view(0, {sizes.rows(), sizes.paddedDim});
  state = view(sizes.stateStart(), {sizes.rows(), stateColumns});
  earlier = view(sizes.beforeStart(), {sizes.rows(), stateColumns});
  scores = view(sizes.scoresStart(), {sizes.rows(), AttentionSizes::chunkTokens});
  changes = view(sizes.changesStart(), sizes.lanes);
}

void AttentionRows::clear(State to) {
  b.forColumns(sizes.largestColumn(), [&](Columns columns) { b.store(b.splat(0.0), to.memory, to.row, columns); });
  b.setElement(b.scalar(lowest), to.memory, largestOf(to.row));
}

void AttentionRows::copy(State from, State to) {
  b.forColumns(sizes.largestColumn() + sizes.lanes,
               [&](Columns columns) { b.store(b.load(from.memory, from.row, columns), to.memory, to.row, columns); });
}

void AttentionRows::fold(State from, State to) {
  Value largestFrom = b.element(from.memory, largestOf(from.row));
  Value largestTo = b.element(to.memory, largestOf(to.row)), largest = b.max(largestFrom, largestTo);
  Value factorFrom = b.exp(b.broadcast(b.sub(largestFrom, largest)));
  Value factorTo = b.exp(b.broadcast(b.sub(largestTo, largest)));
  b.setElement(largest, to.memory, largestOf(to.row));
  b.forColumns(sizes.largestColumn(), [&](Columns columns) {
    Value added = b.mul(b.load(from.memory, from.row, columns), factorFrom);
    b.store(b.fma(b.load(to.memory, to.row, columns), factorTo, added), to.memory, to.row, columns);
  });
}

void AttentionRows::finish(State from, Value token, Value column) {
  Value inverse = b.broadcast(b.div(b.scalar(1.0), b.reduceAdd(b.load(from.memory, from.row, totals()))));
  b.forColumns(sizes.headDim, [&](Columns columns) {
    b.store(b.mul(b.load(from.memory, from.row, columns), inverse), kernel.result, token, b.shifted(columns, column));
  });
}

void AttentionRows::attendChunk(const Source &source, Rows rows, Value chunk) {
  Value isFirst =
      arith::CmpIOp::create(b, arith::CmpIPredicate::eq, b.remainder(chunk, AttentionSizes::segmentChunks), b.index(0));
  auto segment = scf::IfOp::create(b, isFirst, /*withElseRegion=*/false);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(segment.thenBlock());
    b.loop(rows.first, rowOf(rows, rows.count), b.index(1), [&](Value row) {
      fold(current(row), before(row));
      clear(current(row));
    });
  }
  Value first = b.mul(chunk, b.index(chunkPages)), begin = first, end = b.add(first, b.index(chunkPages));
  if (!source.isWhole) {
    begin = b.greatest(begin, b.quotient(source.seen.begin, pageTokens));
    end = b.least(end, b.quotient(b.add(source.seen.end, b.index(pageTokens - 1)), pageTokens));
  }
  auto columnOf = [&](Value page) { return b.mul(b.sub(page, first), b.index(pageTokens)); };
  b.loop(begin, end, b.index(1), [&](Value page) { emitScores(source, rows, page, columnOf(page)); });
  SmallVector<Value> correction = emitExponentials(rows, columnOf(begin), columnOf(end));
  addValues(source, rows, begin, end, correction, columnOf);
}

/// Stores the scores of one page's tokens for each row, from `column` on.
void AttentionRows::emitScores(const Source &source, Rows rows, Value page, Value column) {
  int64_t vectors = pageTokens / b.shape.lanes;
  Value keys = places.keys(source.token, source.head, page, source.seen);
  SmallVector<Value> result(rows.count * vectors, b.splat(0.0));
  result = b.reduce(b.index(0), b.index(sizes.headDim), b.index(1), result, [&](Value d, ValueRange carried) {
    SmallVector<Value> next(carried);
    SmallVector<Value> key;
    for (int64_t v = 0; v < vectors; ++v)
      key.push_back(b.load(keys, d, {b.index(v * b.shape.lanes), {}}));
    for (int64_t r = 0; r < rows.count; ++r) {
      Value q = b.broadcast(b.element(query, {rowOf(rows, r), d}));
      for (int64_t v = 0; v < vectors; ++v)
        next[r * vectors + v] = b.fma(q, key[v], next[r * vectors + v]);
    }
    return next;
  });
  Value firstPlace = b.mul(page, b.index(pageTokens));
  for (int64_t v = 0; v < vectors; ++v) {
    Value offset = b.index(v * b.shape.lanes), seen;
    if (!source.isWhole)
      seen = seenLanes(b.add(firstPlace, offset), source.seen);
    for (int64_t r = 0; r < rows.count; ++r) {
      Value score = result[r * vectors + v];
      if (op.getSoftcap())
        score = llm::emitSoftcap(b, op.getSoftcap()->convertToDouble(), score);
      if (seen)
        score = arith::SelectOp::create(b, seen, score, b.splat(lowest));
      b.store(score, scores, rowOf(rows, r), {b.add(column, offset), {}});
    }
  }
}

/// Lanes whose place, `place` for the first, is seen.
Value AttentionRows::seenLanes(Value place, const AttentionPlaces::Visible &visible) {
  auto type = VectorType::get({b.shape.lanes}, b.getI1Type());
  Value zero = b.index(0);
  Value before = vector::CreateMaskOp::create(b, type, b.greatest(b.sub(visible.begin, place), zero));
  Value upTo = vector::CreateMaskOp::create(b, type, b.greatest(b.sub(visible.end, place), zero));
  return arith::XOrIOp::create(b, arith::OrIOp::create(b, before, upTo), before);
}

/// Turns the scores of columns [begin, end) into exponentials below each row's new largest; returns by what the sums
/// so far have to be multiplied.
SmallVector<Value> AttentionRows::emitExponentials(Rows rows, Value begin, Value end) {
  Value step = b.index(b.shape.lanes);
  auto scoresAt = [&](int64_t r, Value column) { return b.load(scores, rowOf(rows, r), {column, {}}); };
  SmallVector<Value> init(rows.count, b.splat(lowest)), largestHere, maxima, correction;
  largestHere = b.reduce(begin, end, step, init, [&](Value column, ValueRange carried) {
    SmallVector<Value> next;
    for (int64_t r = 0; r < rows.count; ++r)
      next.push_back(b.max(carried[r], scoresAt(r, column)));
    return next;
  });
  for (int64_t r = 0; r < rows.count; ++r) {
    Value old = b.element(state, largestOf(rowOf(rows, r))), now = b.max(old, b.reduceMax(largestHere[r]));
    b.setElement(now, state, largestOf(rowOf(rows, r)));
    b.setElement(b.sub(old, now), changes, b.index(r));
    maxima.push_back(b.broadcast(now));
  }
  Columns lanes{b.index(0), {}};
  b.store(b.exp(b.load(changes, {}, lanes)), changes, {}, lanes);
  SmallVector<Value> total;
  for (int64_t r = 0; r < rows.count; ++r) {
    correction.push_back(b.broadcast(b.element(changes, b.index(r))));
    total.push_back(b.mul(b.load(state, rowOf(rows, r), totals()), correction.back()));
  }
  total = b.reduce(begin, end, step, total, [&](Value column, ValueRange carried) {
    SmallVector<Value> next;
    for (int64_t r = 0; r < rows.count; ++r) {
      Value p = b.exp(b.sub(scoresAt(r, column), maxima[r]));
      b.store(p, scores, rowOf(rows, r), {column, {}});
      next.push_back(b.add(carried[r], p));
    }
    return next;
  });
  for (int64_t r = 0; r < rows.count; ++r)
    b.store(total[r], state, rowOf(rows, r), totals());
  return correction;
}

/// sums = sums * correction + exponentials x values of pages [begin, end)
void AttentionRows::addValues(const Source &source, Rows rows, Value begin, Value end, ArrayRef<Value> correction,
                              function_ref<Value(Value)> columnOf) {
  SmallVector<Columns> all = b.unrolledColumns(sizes.headDim);
  int64_t atOnce = std::max<int64_t>(1, b.shape.attentionVectors / rows.count);
  for (ArrayRef<Columns> rest = all; !rest.empty(); rest = rest.drop_front(std::min<size_t>(atOnce, rest.size()))) {
    ArrayRef<Columns> part = rest.take_front(atOnce);
    SmallVector<Value> acc;
    for (int64_t r = 0; r < rows.count; ++r)
      for (Columns columns : part)
        acc.push_back(b.mul(b.load(state, rowOf(rows, r), columns), correction[r]));
    acc = b.reduce(begin, end, b.index(1), acc, [&](Value page, ValueRange carried) {
      Value values = places.values(source.token, source.head, page, source.seen), column = columnOf(page);
      Value from = b.index(0), to = b.index(pageTokens);
      if (!source.isWhole) {
        Value firstPlace = b.mul(page, b.index(pageTokens));
        from = b.greatest(b.sub(source.seen.begin, firstPlace), from);
        to = b.least(b.sub(source.seen.end, firstPlace), to);
      }
      return b.reduce(from, to, b.index(1), carried, [&](Value j, ValueRange carried) {
        SmallVector<Value> next(carried), value;
        for (Columns columns : part)
          value.push_back(b.load(values, j, columns));
        Value place = b.add(column, j);
        for (int64_t r = 0; r < rows.count; ++r) {
          Value p = b.broadcast(b.element(scores, {rowOf(rows, r), place}));
          for (size_t c = 0; c < part.size(); ++c)
            next[r * part.size() + c] = b.fma(p, value[c], next[r * part.size() + c]);
        }
        return next;
      });
    });
    for (int64_t r = 0; r < rows.count; ++r)
      for (size_t c = 0; c < part.size(); ++c)
        b.store(acc[r * part.size() + c], state, rowOf(rows, r), part[c]);
  }
}
