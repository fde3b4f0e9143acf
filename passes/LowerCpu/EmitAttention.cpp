//===- EmitAttention.cpp - streaming-softmax attention over pages ---------===//
//
// First the team writes the step's keys and values into pages of `pageTokens` tokens: keys [head][element][token],
// values [head][token][element]. Then each (some tokens, key/value head, some of its query heads) is a unit of work.
// Chunks of pages that all tokens of a unit see whole are worked on together, others token by token. When a step has so
// few tokens that threads would be idle, units are taken apart into segments of the context, whose results are put
// together afterwards. A row's bits are the same either way.
//
//===----------------------------------------------------------------------===//
#include "LowerCpu/AttentionRows.h"

using namespace mlir;
using namespace yoke;

namespace {
constexpr int64_t pageTokens = AttentionSizes::pageTokens;
constexpr int64_t chunkTokens = AttentionSizes::chunkTokens;
constexpr int64_t segmentTokens = AttentionSizes::segmentChunks * chunkTokens;

class AttentionEmitter {
public:
  AttentionEmitter(KernelBuilder &b, Kernel &kernel)
      : b(b), kernel(kernel), op(kernel.find<llm::AttentionOp>()), sizes(op, b.shape), places(b, kernel, op, sizes),
        rows(b, kernel, op, sizes, places) {}

  void emit() {
    Value tokens = b.rows(kernel.result);
    b.dealt(b.mul(tokens, b.index(sizes.kvHeads)),
            [&](Value unit) { append(b.quotient(unit, sizes.kvHeads), b.remainder(unit, sizes.kvHeads)); });
    b.barrier();
    if (!op.getCache()) {
      attendAll(tokens);
      return;
    }
    Value segments = segmentsOf(tokens);
    auto choice = scf::IfOp::create(b, isSplit(tokens, segments), /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(choice.thenBlock());
    attendSegments(tokens, segments);
    b.setInsertionPointToStart(choice.elseBlock());
    attendAll(tokens);
  }

private:
  using Rows = AttentionRows::Rows;
  using Source = AttentionRows::Source;
  using State = AttentionRows::State;

  int64_t parts() const { return sizes.group / sizes.together; }

  /// A key/value head and the first of the query heads of part `part` of it.
  struct Heads {
    Value head, first;
  };
  Heads headsOf(Value part) {
    Value head = b.quotient(part, parts()), inHead = b.mul(b.remainder(part, parts()), b.index(sizes.together));
    return {head, b.add(b.mul(head, b.index(sizes.group)), inHead)};
  }

  /// Copies head `head` of a query or key operand into row `target` of the query scratch, normalised and rotated as the
  /// region says.
  void readHead(Value operand, Value token, Value head, Value target) {
    auto rope = operand.getDefiningOp<llm::RopeOp>();
    Value beforeRope = rope ? rope.getX() : operand;
    auto norm = beforeRope.getDefiningOp<llm::RmsNormOp>();
    Value source = kernel.memory.lookup(norm ? norm.getX() : beforeRope);
    Value start = b.mul(head, b.index(sizes.headDim));
    auto read = [&](Columns columns) { return b.load(source, token, b.shifted(columns, start)); };
    auto write = [&](Columns columns, Value x) { b.store(x, rows.query, target, columns); };
    if (norm)
      emitNormRow(b, kernel, norm, sizes.headDim, read, write);
    else
      b.forColumns(sizes.headDim, [&](Columns columns) { write(columns, read(columns)); });
    if (rope)
      emitRotation(b, rope.getStyle(), kernel.memory.lookup(rope.getTable()), token,
                   rope.getTable().getType().getDimSize(1), rows.query, target);
  }

  void append(Value token, Value head) {
    Value zero = b.index(0), start = b.mul(head, b.index(sizes.headDim)), source = kernel.memory.lookup(op.getV());
    AttentionPlaces::Own own = places.ownPlace(token, head);
    readHead(op.getK(), token, head, zero);
    keep([&](Columns columns) { return b.load(rows.query, zero, columns); }, own.keys,
         [&](Value d) { return SmallVector<Value>{d, own.lane}; });
    auto readValue = [&](Columns columns) { return b.load(source, token, b.shifted(columns, start)); };
    if (sizes.element.isF32())
      b.forColumns(sizes.headDim, [&](Columns columns) { b.store(readValue(columns), own.values, own.lane, columns); });
    else
      keep(readValue, own.values, [&](Value d) { return SmallVector<Value>{own.lane, d}; });
  }

  /// Puts element d of what `read` gives at `place(d)` of `target`, as it is stored. The detour is over whole vectors
  /// in scratch memory: LLVM 22 makes a masked store of one truncated element as wide as it was before.
  void keep(function_ref<Value(Columns)> read, Value target, function_ref<SmallVector<Value>(Value)> place) {
    Value stored =
        b.view(kernel.scratch, b.index(sizes.stateStart()), MemRefType::get(sizes.paddedDim, places.storedType()));
    b.forColumns(sizes.headDim,
                 [&](Columns columns) { b.store(places.toStored(read(columns)), stored, {}, {columns.begin, {}}); });
    b.loop(b.index(0), b.index(sizes.headDim), b.index(1),
           [&](Value d) { b.setElement(b.element(stored, d), target, place(d)); });
  }

  void attendAll(Value tokens) {
    Value blocks = b.quotient(b.add(tokens, b.index(sizes.tokens - 1)), sizes.tokens);
    int64_t heads = sizes.kvHeads * parts();
    b.dealt(b.mul(blocks, b.index(heads)), [&](Value unit) {
      attend(b.mul(b.quotient(unit, heads), b.index(sizes.tokens)), headsOf(b.remainder(unit, heads)));
    });
  }

  /// Tokens from `first` on, as many as a unit has, for some query heads.
  void attend(Value first, Heads heads) {
    Value end = b.least(b.add(first, b.index(sizes.tokens)), b.rows(kernel.result)), one = b.index(1);
    auto rowsOf = [&](Value token) {
      return Rows{b.mul(b.sub(token, first), b.index(sizes.together)), sizes.together};
    };
    b.loop(first, end, one, [&](Value token) { start(token, heads.first, rowsOf(token)); });
    Shared shared = sharedChunks(first, end);
    if (op.getWindow() && sizes.tokens > 1)
      b.loop(first, end, one, [&](Value token) {
        Source source{token, heads.head, places.visibleChain(token), false};
        attendChunks(source, rowsOf(token), b.quotient(source.seen.begin, chunkTokens), shared.begin);
      });
    if (sizes.tokens > 1) {
      Source source{first, heads.head, places.visibleChain(first), true};
      source.seen.branch = {};
      attendChunks(source, {b.index(0), sizes.rows()}, shared.begin, shared.end);
    }
    b.loop(first, end, one, [&](Value token) {
      Source source{token, heads.head, places.visible(token), false};
      Value begin = b.greatest(b.quotient(source.seen.begin, chunkTokens), shared.end);
      attendChunks(source, rowsOf(token), begin, endChunk(source.seen));
      for (int64_t h = 0; h < sizes.together; ++h) {
        Value row = rows.rowOf(rowsOf(token), h);
        rows.fold(rows.current(row), rows.before(row));
        rows.finish(rows.before(row), token, b.mul(b.add(heads.first, b.index(h)), b.index(sizes.headDim)));
      }
    });
  }

  Value endChunk(const AttentionPlaces::Visible &seen) {
    return b.quotient(b.add(seen.end, b.index(chunkTokens - 1)), chunkTokens);
  }

  void attendChunks(const Source &source, Rows of, Value begin, Value end) {
    b.loop(begin, end, b.index(1), [&](Value chunk) { rows.attendChunk(source, of, chunk); });
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

  /// Reads a token's queries and empties their states.
  void start(Value token, Value firstHead, Rows of) {
    auto scale = b.splat(op.getScale().convertToDouble());
    for (int64_t h = 0; h < of.count; ++h) {
      Value row = rows.rowOf(of, h);
      readHead(op.getQ(), token, b.add(firstHead, b.index(h)), row);
      b.forColumns(sizes.headDim, [&](Columns columns) {
        b.store(b.mul(b.load(rows.query, row, columns), scale), rows.query, row, columns);
      });
      rows.clear(rows.current(row));
      rows.clear(rows.before(row));
    }
  }

  /// Segments of the token that sees most places.
  Value segmentsOf(Value tokens) {
    Value end = b.reduce(b.index(0), tokens, b.index(1), b.index(0), [&](Value token, ValueRange carried) {
      return SmallVector<Value>{b.greatest(carried[0], places.visibleChain(token).end)};
    })[0];
    return b.quotient(b.add(end, b.index(segmentTokens - 1)), segmentTokens);
  }

  /// True when there are several threads, too few units for them, and more than one segment, with room for all results.
  Value isSplit(Value tokens, Value segments) {
    constexpr int64_t unitsOfAThread = 4;
    auto compare = [&](arith::CmpIPredicate predicate, Value left, Value right) -> Value {
      return arith::CmpIOp::create(b, predicate, left, right);
    };
    Value units = b.mul(tokens, b.index(sizes.kvHeads * parts()));
    Value conditions[] = {
        compare(arith::CmpIPredicate::ugt, b.team.threads, b.index(1)),
        compare(arith::CmpIPredicate::ult, units, b.mul(b.team.threads, b.index(unitsOfAThread))),
        compare(arith::CmpIPredicate::ugt, segments, b.index(1)),
        compare(arith::CmpIPredicate::ule, b.mul(tokens, segments), b.index(AttentionSizes::maxPartials))};
    Value all = conditions[0];
    for (Value condition : llvm::drop_begin(conditions))
      all = arith::AndIOp::create(b, all, condition);
    return all;
  }

  /// Each (token, segment, some query heads) is a unit, and then each (token, query head).
  void attendSegments(Value tokens, Value segments) {
    int64_t heads = sizes.kvHeads * parts(), columns = sizes.stateBytes() / AttentionSizes::floatBytes;
    Value partials = b.view(kernel.workspace, b.index(0),
                            MemRefType::get({AttentionSizes::maxPartials * sizes.heads, columns}, b.getF32Type()));
    auto partialOf = [&](Value token, Value segment, Value queryHead) {
      Value place = b.add(b.mul(token, segments), segment);
      return State{partials, b.add(b.mul(place, b.index(sizes.heads)), queryHead)};
    };
    b.dealt(b.mul(b.mul(tokens, segments), b.index(heads)), [&](Value unit) {
      Value place = b.quotient(unit, heads);
      Value token = arith::DivUIOp::create(b, place, segments), segment = arith::RemUIOp::create(b, place, segments);
      Heads of = headsOf(b.remainder(unit, heads));
      Rows all{b.index(0), sizes.together};
      start(token, of.first, all);
      Source source{token, of.head, places.visible(token), false};
      Value begin = b.mul(segment, b.index(AttentionSizes::segmentChunks));
      Value end = b.least(b.add(begin, b.index(AttentionSizes::segmentChunks)), endChunk(source.seen));
      attendChunks(source, all, b.greatest(begin, b.quotient(source.seen.begin, chunkTokens)), end);
      for (int64_t h = 0; h < sizes.together; ++h)
        rows.copy(rows.current(b.index(h)), partialOf(token, segment, b.add(of.first, b.index(h))));
    });
    b.barrier();
    b.dealt(b.mul(tokens, b.index(sizes.heads)), [&](Value unit) {
      Value token = b.quotient(unit, sizes.heads), queryHead = b.remainder(unit, sizes.heads), row = b.index(0);
      rows.clear(rows.before(row));
      AttentionPlaces::Visible seen = places.visible(token);
      Value end = b.quotient(b.add(seen.end, b.index(segmentTokens - 1)), segmentTokens);
      b.loop(b.quotient(seen.begin, segmentTokens), end, b.index(1),
             [&](Value segment) { rows.fold(partialOf(token, segment, queryHead), rows.before(row)); });
      rows.finish(rows.before(row), token, b.mul(queryHead, b.index(sizes.headDim)));
    });
  }

  KernelBuilder &b;
  Kernel &kernel;
  llm::AttentionOp op;
  AttentionSizes sizes;
  AttentionPlaces places;
  AttentionRows rows;
};
} // namespace

KernelNeeds yoke::attentionNeeds(llm::AttentionOp op, const KernelShape &shape, int64_t maxTokens) {
  AttentionSizes sizes(op, shape);
  KernelNeeds needs{.scratchBytes = sizes.scratchBytes()};
  // Keys and values of the step where there is no cache, else results of segments.
  needs.workspaceBytes = op.getCache() ? sizes.partialsBytes()
                                       : 2 * sizes.kvHeads * sizes.blockBytes() / pageTokens * (maxTokens + pageTokens);
  return needs;
}

void yoke::emitAttention(KernelBuilder &b, Kernel &kernel) { AttentionEmitter(b, kernel).emit(); }
