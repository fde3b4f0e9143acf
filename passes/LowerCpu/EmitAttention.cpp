//===- EmitAttention.cpp - streaming-softmax attention over pages ---------===//
//
// First the team writes the step's keys and values into pages of `pageTokens` tokens: keys [head][element][token],
// values [head][token][element]. Then each (some tokens, key/value head, some of its query heads) is a unit of work:
// its rows are the pairs of a token and a query head. A row goes over the places that it sees in chunks of
// `chunkTokens`, counted from the sequence's start, and keeps the largest score, sums of the exponentials and the
// weighted sum of the values so far (Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018). Chunks
// that all tokens of a unit see whole are worked on together, others token by token: a row's sums are the same either
// way.
//
//===----------------------------------------------------------------------===//
#include "LLM/LLMElementwise.h"
#include "LowerCpu/AttentionPlaces.h"

using namespace mlir;
using namespace yoke;

namespace {
constexpr int64_t pageTokens = AttentionSizes::pageTokens;
constexpr int64_t chunkPages = AttentionSizes::chunkPages;
constexpr int64_t chunkTokens = AttentionSizes::chunkTokens;
/// Below every score and far above minus infinity, whose difference with itself is no number.
constexpr double lowest = -1e30;

/// Rows of the scratch memory.
struct Rows {
  Value first;
  int64_t count;
};

/// A key/value head of a token's sequence and what of it is seen.
struct Source {
  Value token, head;
  AttentionPlaces::Visible seen;
  /// Every place of the chunks in question is seen.
  bool isWhole;
};

class AttentionEmitter {
public:
  AttentionEmitter(KernelBuilder &b, Kernel &kernel)
      : b(b), kernel(kernel), op(kernel.find<llm::AttentionOp>()), sizes(op, b.shape), places(b, kernel, op, sizes) {
    auto view = [&](int64_t start, ArrayRef<int64_t> shape) {
      return b.view(kernel.scratch, b.index(start), MemRefType::get(shape, b.getF32Type()));
    };
    query = view(0, {sizes.rows(), sizes.paddedDim});
    sums = view(sizes.queryBytes(), {sizes.rows(), sizes.paddedDim});
    scores = view(sizes.scoresStart(), {sizes.rows(), chunkTokens});
    largest = view(sizes.largestStart(), sizes.lanes);
    changes = view(sizes.changesStart(), sizes.lanes);
    totals = view(sizes.totalsStart(), {sizes.rows(), sizes.lanes});
  }

  void emit() {
    Value tokens = b.rows(kernel.result);
    b.dealt(b.mul(tokens, b.index(sizes.kvHeads)),
            [&](Value unit) { append(b.quotient(unit, sizes.kvHeads), b.remainder(unit, sizes.kvHeads)); });
    b.barrier();
    int64_t parts = sizes.group / sizes.together;
    Value blocks = b.quotient(b.add(tokens, b.index(sizes.tokens - 1)), sizes.tokens);
    b.dealt(b.mul(blocks, b.index(sizes.kvHeads * parts)), [&](Value unit) {
      Value place = b.quotient(unit, parts), part = b.mul(b.remainder(unit, parts), b.index(sizes.together));
      Value head = b.remainder(place, sizes.kvHeads);
      Value firstHead = b.add(b.mul(head, b.index(sizes.group)), part);
      attend(b.mul(b.quotient(place, sizes.kvHeads), b.index(sizes.tokens)), head, firstHead);
    });
  }

private:
  /// Copies head `head` of a query or key operand into row `target` of the query scratch, normalised and rotated as the
  /// region says.
  void readHead(Value operand, Value token, Value head, Value target) {
    auto rope = operand.getDefiningOp<llm::RopeOp>();
    Value beforeRope = rope ? rope.getX() : operand;
    auto norm = beforeRope.getDefiningOp<llm::RmsNormOp>();
    Value source = kernel.memory.lookup(norm ? norm.getX() : beforeRope);
    Value start = b.mul(head, b.index(sizes.headDim));
    auto read = [&](Columns columns) { return b.load(source, token, b.shifted(columns, start)); };
    auto write = [&](Columns columns, Value x) { b.store(x, query, target, columns); };
    if (norm)
      emitNormRow(b, kernel, norm, sizes.headDim, read, write);
    else
      b.forColumns(sizes.headDim, [&](Columns columns) { write(columns, read(columns)); });
    if (rope)
      emitRotation(b, rope.getStyle(), kernel.memory.lookup(rope.getTable()), token,
                   rope.getTable().getType().getDimSize(1), query, target);
  }

  void append(Value token, Value head) {
    Value zero = b.index(0);
    AttentionPlaces::Own own = places.ownPlace(token, head);
    readHead(op.getK(), token, head, zero);
    b.loop(zero, b.index(sizes.headDim), b.index(1),
           [&](Value d) { b.setElement(b.element(query, {zero, d}), own.keys, {d, own.lane}); });
    Value source = kernel.memory.lookup(op.getV());
    Value start = b.mul(head, b.index(sizes.headDim));
    b.forColumns(sizes.headDim, [&](Columns columns) {
      b.store(b.load(source, token, b.shifted(columns, start)), own.values, own.lane, columns);
    });
  }

  Value rowOf(Rows rows, int64_t r) { return b.add(rows.first, b.index(r)); }

  /// Tokens from `first` on, as many as a unit has, for the query heads from `firstHead` on.
  void attend(Value first, Value head, Value firstHead) {
    Value end = b.least(b.add(first, b.index(sizes.tokens)), b.rows(kernel.result)), one = b.index(1);
    auto rowsOf = [&](Value token) {
      return Rows{b.mul(b.sub(token, first), b.index(sizes.together)), sizes.together};
    };
    b.loop(first, end, one, [&](Value token) { start(token, firstHead, rowsOf(token)); });
    auto alone = [&](Value token, Value begin, Value end, const AttentionPlaces::Visible &seen) {
      Source source{token, head, seen, false};
      b.loop(begin, end, one, [&](Value chunk) { attendChunk(source, rowsOf(token), chunk); });
    };
    Shared shared = sharedChunks(first, end);
    if (op.getWindow() && sizes.tokens > 1)
      b.loop(first, end, one, [&](Value token) {
        AttentionPlaces::Visible seen = places.visibleChain(token);
        alone(token, b.quotient(seen.begin, chunkTokens), shared.begin, seen);
      });
    if (sizes.tokens > 1) {
      Source source{first, head, places.visibleChain(first), true};
      source.seen.branch = {};
      b.loop(shared.begin, shared.end, one,
             [&](Value chunk) { attendChunk(source, {b.index(0), sizes.rows()}, chunk); });
    }
    b.loop(first, end, one, [&](Value token) {
      AttentionPlaces::Visible seen = places.visible(token);
      Value begin = b.greatest(b.quotient(seen.begin, chunkTokens), shared.end);
      alone(token, begin, b.quotient(b.add(seen.end, b.index(chunkTokens - 1)), chunkTokens), seen);
      finish(token, firstHead, rowsOf(token));
    });
  }

  /// Chunks [begin, end) that all tokens of a unit see whole; 0 and 0 when there are none.
  struct Shared {
    Value begin, end;
  };
  Shared sharedChunks(Value first, Value end) {
    Value none = b.index(0);
    if (sizes.tokens == 1)
      return {none, none};
    SmallVector<Value> init = {
        none, b.index(std::numeric_limits<int32_t>::max()),
        arith::CmpIOp::create(b, arith::CmpIPredicate::eq, b.sub(end, first), b.index(sizes.tokens))};
    SmallVector<Value> all = b.reduce(first, end, b.index(1), init, [&](Value token, ValueRange carried) {
      AttentionPlaces::Visible seen = places.visibleChain(token);
      Value begin = b.quotient(b.add(seen.begin, b.index(chunkTokens - 1)), chunkTokens);
      Value isAlike = arith::AndIOp::create(b, carried[2], places.sameSequence(token, first));
      if (op.getCache()) {
        Value yes = arith::ConstantOp::create(b, b.getBoolAttr(true));
        isAlike = arith::AndIOp::create(b, isAlike, arith::XOrIOp::create(b, places.onBranch(token), yes));
      }
      return SmallVector<Value>{b.greatest(carried[0], begin), b.least(carried[1], b.quotient(seen.end, chunkTokens)),
                                isAlike};
    });
    Value some = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, all[0], all[1]);
    Value usable = arith::AndIOp::create(b, some, all[2]);
    return {arith::SelectOp::create(b, usable, all[0], none), arith::SelectOp::create(b, usable, all[1], none)};
  }

  /// Reads a token's queries and empties their sums.
  void start(Value token, Value firstHead, Rows rows) {
    auto scale = b.splat(op.getScale().convertToDouble());
    for (int64_t h = 0; h < rows.count; ++h) {
      Value row = rowOf(rows, h);
      readHead(op.getQ(), token, b.add(firstHead, b.index(h)), row);
      b.forColumns(sizes.headDim,
                   [&](Columns columns) { b.store(b.mul(b.load(query, row, columns), scale), query, row, columns); });
      b.forColumns(sizes.paddedDim, [&](Columns columns) { b.store(b.splat(0.0), sums, row, columns); });
      b.store(b.splat(0.0), totals, row, {b.index(0), {}});
      b.setElement(b.scalar(lowest), largest, row);
    }
  }

  void finish(Value token, Value firstHead, Rows rows) {
    for (int64_t h = 0; h < rows.count; ++h) {
      Value row = rowOf(rows, h), column = b.mul(b.add(firstHead, b.index(h)), b.index(sizes.headDim));
      Value total = b.reduceAdd(b.load(totals, row, {b.index(0), {}}));
      Value inverse = b.broadcast(b.div(b.scalar(1.0), total));
      b.forColumns(sizes.headDim, [&](Columns columns) {
        b.store(b.mul(b.load(sums, row, columns), inverse), kernel.result, token, b.shifted(columns, column));
      });
    }
  }

  void attendChunk(const Source &source, Rows rows, Value chunk) {
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
  void emitScores(const Source &source, Rows rows, Value page, Value column) {
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
  Value seenLanes(Value place, const AttentionPlaces::Visible &visible) {
    auto type = VectorType::get({b.shape.lanes}, b.getI1Type());
    Value zero = b.index(0);
    Value before = vector::CreateMaskOp::create(b, type, b.greatest(b.sub(visible.begin, place), zero));
    Value upTo = vector::CreateMaskOp::create(b, type, b.greatest(b.sub(visible.end, place), zero));
    return arith::XOrIOp::create(b, arith::OrIOp::create(b, before, upTo), before);
  }

  /// Turns the scores of columns [begin, end) into exponentials below each row's new largest; returns by what the sums
  /// so far have to be multiplied.
  SmallVector<Value> emitExponentials(Rows rows, Value begin, Value end) {
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
      Value before = b.element(largest, rowOf(rows, r)), after = b.max(before, b.reduceMax(largestHere[r]));
      b.setElement(after, largest, rowOf(rows, r));
      b.setElement(b.sub(before, after), changes, b.index(r));
      maxima.push_back(b.broadcast(after));
    }
    Columns lanes{b.index(0), {}};
    b.store(b.exp(b.load(changes, {}, lanes)), changes, {}, lanes);
    SmallVector<Value> total;
    for (int64_t r = 0; r < rows.count; ++r) {
      correction.push_back(b.broadcast(b.element(changes, b.index(r))));
      total.push_back(b.mul(b.load(totals, rowOf(rows, r), lanes), correction.back()));
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
      b.store(total[r], totals, rowOf(rows, r), lanes);
    return correction;
  }

  /// sums = sums * correction + exponentials x values of pages [begin, end)
  void addValues(const Source &source, Rows rows, Value begin, Value end, ArrayRef<Value> correction,
                 function_ref<Value(Value)> columnOf) {
    SmallVector<Columns> all = b.unrolledColumns(sizes.headDim);
    int64_t atOnce = std::max<int64_t>(1, b.shape.attentionVectors / rows.count);
    for (ArrayRef<Columns> rest = all; !rest.empty(); rest = rest.drop_front(std::min<size_t>(atOnce, rest.size()))) {
      ArrayRef<Columns> part = rest.take_front(atOnce);
      SmallVector<Value> acc;
      for (int64_t r = 0; r < rows.count; ++r)
        for (Columns columns : part)
          acc.push_back(b.mul(b.load(sums, rowOf(rows, r), columns), correction[r]));
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
          b.store(acc[r * part.size() + c], sums, rowOf(rows, r), part[c]);
    }
  }

  KernelBuilder &b;
  Kernel &kernel;
  llm::AttentionOp op;
  AttentionSizes sizes;
  AttentionPlaces places;
  Value query, sums, scores, largest, changes, totals;
};
} // namespace

KernelNeeds yoke::attentionNeeds(llm::AttentionOp op, const KernelShape &shape, int64_t maxTokens) {
  AttentionSizes sizes(op, shape);
  KernelNeeds needs{.scratchBytes = sizes.scratchBytes()};
  if (!op.getCache())
    needs.workspaceBytes = layerPageBytes(sizes.kvHeads, sizes.headDim) / pageTokens * (maxTokens + pageTokens);
  return needs;
}

void yoke::emitAttention(KernelBuilder &b, Kernel &kernel) { AttentionEmitter(b, kernel).emit(); }
