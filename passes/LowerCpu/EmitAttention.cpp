//===- EmitAttention.cpp - streaming-softmax attention over pages ---------===//
//
// First the team writes the step's keys and values into pages of `pageTokens` tokens: keys [head][element][token],
// values [head][token][element]. Then each (token, key/value head, some of its query heads) is a unit of work. It goes
// over the pages that the token sees and keeps, for each query head, the largest score, the sum of the exponentials and
// the weighted sum of the values so far (Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018).
// What a unit computes does not depend on the other tokens of the step.
//
//===----------------------------------------------------------------------===//
#include "LLM/LLMElementwise.h"
#include "LowerCpu/Kernel.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace yoke;

namespace {
constexpr int64_t pageTokens = KernelShape::pageTokens;
constexpr int64_t floatBytes = sizeof(float);
/// Below every score and far above minus infinity, whose difference with itself is no number.
constexpr double lowest = -1e30;

/// Sizes of an attention op.
struct Sizes {
  Sizes(llm::AttentionOp op, const KernelShape &shape)
      : heads(op.getHeads()), kvHeads(op.getKvHeads()), headDim(op.getHeadDim()), group(heads / kvHeads),
        paddedDim(llvm::alignTo(headDim, shape.lanes)) {
    int64_t pageVectors = pageTokens / shape.lanes;
    together = std::clamp<int64_t>(shape.attentionVectors / pageVectors, 1, group);
    while (group % together != 0)
      --together;
  }
  int64_t heads, kvHeads, headDim;
  /// Query heads of a key/value head, and how many of them are worked on at once.
  int64_t group, together;
  int64_t paddedDim;

  // A thread's scratch memory.
  int64_t queryBytes() const { return together * paddedDim * floatBytes; }
  int64_t probabilityBytes() const { return together * pageTokens * floatBytes; }
  int64_t blockBytes() const { return headDim * pageTokens * floatBytes; }
  int64_t branchStart() const { return 2 * queryBytes() + probabilityBytes(); }
  int64_t scratchBytes() const { return branchStart() + 2 * blockBytes(); }
};

class AttentionEmitter {
public:
  AttentionEmitter(KernelBuilder &b, Kernel &kernel)
      : b(b), kernel(kernel), op(kernel.find<llm::AttentionOp>()), sizes(op, b.shape) {
    auto rows = [&](int64_t count, int64_t width) { return MemRefType::get({count, width}, b.getF32Type()); };
    query = b.view(kernel.scratch, b.index(0), rows(sizes.together, sizes.paddedDim));
    sums = b.view(kernel.scratch, b.index(sizes.queryBytes()), rows(sizes.together, sizes.paddedDim));
    probabilities = b.view(kernel.scratch, b.index(2 * sizes.queryBytes()), rows(sizes.together, pageTokens));
    branchKeys = b.view(kernel.scratch, b.index(sizes.branchStart()), keysType());
    branchValues = b.view(kernel.scratch, b.index(sizes.branchStart() + sizes.blockBytes()), valuesType());
    if (op.getCache())
      pageBytes =
          cast<llm::KVCacheType>(op.getCache().getType()).getLayers() * layerPageBytes(sizes.kvHeads, sizes.headDim);
    else
      stepTokens = b.add(b.rows(kernel.result), b.index(pageTokens));
  }

  void emit() {
    Value tokens = b.rows(kernel.result);
    Value units = b.mul(tokens, b.index(sizes.kvHeads));
    b.dealt(units, [&](Value unit) { append(b.quotient(unit, sizes.kvHeads), b.remainder(unit, sizes.kvHeads)); });
    b.barrier();
    int64_t parts = sizes.group / sizes.together;
    b.dealt(b.mul(units, b.index(parts)), [&](Value unit) {
      Value place = b.quotient(unit, parts), first = b.mul(b.remainder(unit, parts), b.index(sizes.together));
      attend(b.quotient(place, sizes.kvHeads), b.remainder(place, sizes.kvHeads), first);
    });
  }

private:
  Value batchElement(Value array, Value token) { return b.toIndex(b.element(array, token)); }

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

  /// The page of a slot block of a token's sequence, as a byte offset.
  Value pageOf(Value token, Value block) {
    Value row = b.mul(batchElement(kernel.batch.sequences, token), kernel.batch.blockStride);
    Value page = batchElement(kernel.batch.blocks, b.add(row, block));
    return b.add(b.mul(page, b.index(pageBytes)), kernel.pageOffset);
  }

  MemRefType keysType() { return MemRefType::get({sizes.headDim, pageTokens}, b.getF32Type()); }
  MemRefType valuesType() { return MemRefType::get({pageTokens, sizes.headDim}, b.getF32Type()); }

  Value keysOf(Value page, Value head) {
    return b.view(kernel.kv, b.add(page, b.mul(head, b.index(sizes.blockBytes()))), keysType());
  }

  Value valuesOf(Value page, Value head) {
    Value block = b.add(head, b.index(sizes.kvHeads));
    return b.view(kernel.kv, b.add(page, b.mul(block, b.index(sizes.blockBytes()))), valuesType());
  }

  /// Without a cache the step's keys [head][element][token] and values [head][token][element] lie in the workspace.
  /// This is the block that starts at `first`, which may be any token: blocks are counted from a sequence's start, so
  /// that its results do not depend on where it stands in the step.
  std::pair<Value, Value> stepBlock(Value head, Value first) {
    int64_t width = sizes.kvHeads * sizes.headDim;
    auto part = [&](Value offset, ArrayRef<int64_t> shape, Value row, Value column, int64_t rows, int64_t columns) {
      auto type = MemRefType::get(shape, b.getF32Type());
      Value all = memref::ViewOp::create(b, type, kernel.workspace, offset, stepTokens);
      SmallVector<OpFoldResult> offsets = {row, column}, strides(2, b.getIndexAttr(1));
      SmallVector<OpFoldResult> sizes = {b.getIndexAttr(rows), b.getIndexAttr(columns)};
      return memref::SubViewOp::create(b, all, offsets, sizes, strides);
    };
    Value row = b.add(b.mul(head, stepTokens), first), zero = b.index(0);
    return {part(zero, {width, ShapedType::kDynamic}, b.mul(head, b.index(sizes.headDim)), first, sizes.headDim,
                 pageTokens),
            part(b.mul(stepTokens, b.index(width * floatBytes)), {ShapedType::kDynamic, sizes.headDim}, row, zero,
                 pageTokens, sizes.headDim)};
  }

  void append(Value token, Value head) {
    Value zero = b.index(0), lane = zero, keys, values;
    if (op.getCache()) {
      Value slot = batchElement(kernel.batch.slots, token);
      Value page = pageOf(token, b.quotient(slot, pageTokens));
      lane = b.remainder(slot, pageTokens);
      keys = keysOf(page, head), values = valuesOf(page, head);
    } else {
      std::tie(keys, values) = stepBlock(head, token);
    }
    readHead(op.getK(), token, head, zero);
    b.loop(zero, b.index(sizes.headDim), b.index(1),
           [&](Value d) { b.setElement(b.element(query, {zero, d}), keys, {d, lane}); });
    Value source = kernel.memory.lookup(op.getV());
    Value start = b.mul(head, b.index(sizes.headDim));
    b.forColumns(sizes.headDim, [&](Columns columns) {
      b.store(b.load(source, token, b.shifted(columns, start)), values, lane, columns);
    });
  }

  /// What a token sees: places [begin, end), which are slots, or from `branch` on positions of its branch of a draft
  /// tree. Without a cache `first` is the token of place 0.
  struct Visible {
    Value begin, end, branch, first;
  };

  Visible visible(Value token) {
    Value limit = batchElement(kernel.batch.limits, token), slot = batchElement(kernel.batch.slots, token);
    Value position = batchElement(kernel.batch.positions, token), begin = b.index(0);
    if (op.getWindow())
      begin = b.greatest(b.sub(position, b.index(*op.getWindow() - 1)), begin);
    if (!op.getCache()) {
      if (op.getMask() == llm::AttentionMask::causal)
        limit = b.least(limit, b.add(slot, b.index(1)));
      return {begin, limit, {}, b.sub(token, slot)};
    }
    // In a tree listed parents first, a node whose slot is its position has all earlier nodes for ancestors.
    Value inTree = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, slot, position);
    Value end = arith::SelectOp::create(b, inTree, b.add(position, b.index(1)), limit);
    auto choice = scf::IfOp::create(b, b.getIndexType(), inTree, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(choice.thenBlock());
    Value root = forAncestors(token, [](Value) {});
    scf::YieldOp::create(b, batchElement(kernel.batch.positions, root));
    b.setInsertionPointToStart(choice.elseBlock());
    scf::YieldOp::create(b, b.index(std::numeric_limits<int32_t>::max()));
    return {begin, end, choice.getResult(0), {}};
  }

  /// Calls `body` for a token and each of its ancestors of this step; returns the last, whose parent is committed.
  Value forAncestors(Value token, function_ref<void(Value)> body) {
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

  /// The keys and values of a block of places.
  std::pair<Value, Value> blockOf(Value token, Value head, Value block, const Visible &seen) {
    if (!op.getCache())
      return stepBlock(head, b.add(seen.first, b.mul(block, b.index(pageTokens))));
    Value page = pageOf(token, block);
    Value keys = keysOf(page, head), values = valuesOf(page, head);
    Value end = b.mul(b.add(block, b.index(1)), b.index(pageTokens));
    Value holdsBranch = arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, end, seen.branch);
    auto choice = scf::IfOp::create(b, TypeRange{keys.getType(), values.getType()}, holdsBranch, true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(choice.thenBlock());
    gatherBranch(token, head, block, keys, values);
    scf::YieldOp::create(b, ValueRange{branchKeys, branchValues});
    b.setInsertionPointToStart(choice.elseBlock());
    scf::YieldOp::create(b, ValueRange{keys, values});
    return {choice.getResult(0), choice.getResult(1)};
  }

  /// Copies a page to scratch memory and puts the token's ancestors of this step in the places of their positions.
  void gatherBranch(Value token, Value head, Value block, Value keys, Value values) {
    auto copyRows = [&](Value from, Value to, int64_t rows, int64_t width) {
      b.loop(b.index(0), b.index(rows), b.index(1), [&](Value row) {
        b.forColumns(width, [&](Columns columns) { b.store(b.load(from, row, columns), to, row, columns); });
      });
    };
    copyRows(keys, branchKeys, sizes.headDim, pageTokens);
    copyRows(values, branchValues, pageTokens, sizes.headDim);
    forAncestors(token, [&](Value ancestor) {
      Value position = batchElement(kernel.batch.positions, ancestor);
      Value isHere = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, b.quotient(position, pageTokens), block);
      auto here = scf::IfOp::create(b, isHere, /*withElseRegion=*/false);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(here.thenBlock());
      Value slot = batchElement(kernel.batch.slots, ancestor);
      Value page = pageOf(token, b.quotient(slot, pageTokens)), from = b.remainder(slot, pageTokens);
      Value to = b.remainder(position, pageTokens), source = keysOf(page, head);
      b.loop(b.index(0), b.index(sizes.headDim), b.index(1),
             [&](Value d) { b.setElement(b.element(source, {d, from}), branchKeys, {d, to}); });
      Value sourceValues = valuesOf(page, head);
      b.forColumns(sizes.headDim,
                   [&](Columns columns) { b.store(b.load(sourceValues, from, columns), branchValues, to, columns); });
    });
  }

  /// Scores of one page's tokens for each query head: `together` times pageTokens / lanes vectors.
  SmallVector<Value> scores(Value keys, Value firstSlot, Value begin, Value end) {
    int64_t vectors = pageTokens / b.shape.lanes;
    SmallVector<Value> result(sizes.together * vectors, b.splat(0.0));
    result = b.reduce(b.index(0), b.index(sizes.headDim), b.index(1), result, [&](Value d, ValueRange carried) {
      SmallVector<Value> next(carried);
      SmallVector<Value> key;
      for (int64_t v = 0; v < vectors; ++v)
        key.push_back(b.load(keys, d, {b.index(v * b.shape.lanes), {}}));
      for (int64_t h = 0; h < sizes.together; ++h) {
        Value q = b.broadcast(b.element(query, {b.index(h), d}));
        for (int64_t v = 0; v < vectors; ++v)
          next[h * vectors + v] = b.fma(q, key[v], next[h * vectors + v]);
      }
      return next;
    });
    for (int64_t v = 0; v < vectors; ++v) {
      Value seen = seenLanes(b.add(firstSlot, b.index(v * b.shape.lanes)), begin, end);
      for (int64_t h = 0; h < sizes.together; ++h) {
        Value &score = result[h * vectors + v];
        if (op.getSoftcap())
          score = llm::emitSoftcap(b, op.getSoftcap()->convertToDouble(), score);
        score = arith::SelectOp::create(b, seen, score, b.splat(lowest));
      }
    }
    return result;
  }

  /// Lanes whose slot, `slot` for the first, lies in [begin, end).
  Value seenLanes(Value slot, Value begin, Value end) {
    auto type = VectorType::get({b.shape.lanes}, b.getI1Type());
    Value zero = b.index(0);
    Value before = vector::CreateMaskOp::create(b, type, b.greatest(b.sub(begin, slot), zero));
    Value upTo = vector::CreateMaskOp::create(b, type, b.greatest(b.sub(end, slot), zero));
    return arith::XOrIOp::create(b, arith::OrIOp::create(b, before, upTo), before);
  }

  void attend(Value token, Value head, Value firstHead) {
    auto scale = b.splat(op.getScale().convertToDouble());
    for (int64_t h = 0; h < sizes.together; ++h) {
      Value queryHead = b.add(b.mul(head, b.index(sizes.group)), b.add(firstHead, b.index(h)));
      readHead(op.getQ(), token, queryHead, b.index(h));
      b.forColumns(sizes.headDim, [&](Columns columns) {
        b.store(b.mul(b.load(query, b.index(h), columns), scale), query, b.index(h), columns);
      });
      b.forColumns(sizes.paddedDim, [&](Columns columns) { b.store(b.splat(0.0), sums, b.index(h), columns); });
    }

    Visible seen = visible(token);
    Value firstBlock = b.quotient(seen.begin, pageTokens);
    Value endBlock = b.quotient(b.add(seen.end, b.index(pageTokens - 1)), pageTokens);
    SmallVector<Value> state; // largest score and sum of exponentials of each head
    for (int64_t h = 0; h < sizes.together; ++h)
      state.append({b.scalar(lowest), b.scalar(0.0)});
    state = b.reduce(firstBlock, endBlock, b.index(1), state,
                     [&](Value block, ValueRange carried) { return attendBlock(token, head, block, seen, carried); });

    for (int64_t h = 0; h < sizes.together; ++h) {
      Value queryHead = b.add(b.mul(head, b.index(sizes.group)), b.add(firstHead, b.index(h)));
      Value start = b.mul(queryHead, b.index(sizes.headDim));
      Value inverse = b.broadcast(b.div(b.scalar(1.0), state[2 * h + 1]));
      b.forColumns(sizes.headDim, [&](Columns columns) {
        b.store(b.mul(b.load(sums, b.index(h), columns), inverse), kernel.result, token, b.shifted(columns, start));
      });
    }
  }

  SmallVector<Value> attendBlock(Value token, Value head, Value block, const Visible &seen, ValueRange carried) {
    int64_t vectors = pageTokens / b.shape.lanes;
    auto [keys, values] = blockOf(token, head, block, seen);
    Value first = b.mul(block, b.index(pageTokens));
    SmallVector<Value> score = scores(keys, first, seen.begin, seen.end);

    SmallVector<Value> state, correction;
    for (int64_t h = 0; h < sizes.together; ++h) {
      Value largest = score[h * vectors];
      for (int64_t v = 1; v < vectors; ++v)
        largest = b.max(largest, score[h * vectors + v]);
      Value newMax = b.max(carried[2 * h], b.reduceMax(largest));
      Value newMaxVector = b.broadcast(newMax);
      Value total = b.splat(0.0);
      for (int64_t v = 0; v < vectors; ++v) {
        Value p = b.exp(b.sub(score[h * vectors + v], newMaxVector));
        b.store(p, probabilities, b.index(h), {b.index(v * b.shape.lanes), {}});
        total = b.add(total, p);
      }
      Value change = b.exp(b.broadcast(b.sub(carried[2 * h], newMax)));
      Value changeScalar = vector::ExtractOp::create(b, change, 0);
      state.append({newMax, b.fma(carried[2 * h + 1], changeScalar, b.reduceAdd(total))});
      correction.push_back(change);
    }
    addValues(values, b.greatest(b.sub(seen.begin, first), b.index(0)),
              b.least(b.sub(seen.end, first), b.index(pageTokens)), correction);
    return state;
  }

  /// sums = sums * correction + probabilities[from, to) x values
  void addValues(Value values, Value from, Value to, ArrayRef<Value> correction) {
    SmallVector<Columns> all = b.unrolledColumns(sizes.headDim);
    int64_t atOnce = std::max<int64_t>(1, b.shape.attentionVectors / sizes.together);
    for (ArrayRef<Columns> rest = all; !rest.empty(); rest = rest.drop_front(std::min<size_t>(atOnce, rest.size()))) {
      ArrayRef<Columns> part = rest.take_front(atOnce);
      SmallVector<Value> acc;
      for (int64_t h = 0; h < sizes.together; ++h)
        for (Columns columns : part)
          acc.push_back(b.mul(b.load(sums, b.index(h), columns), correction[h]));
      acc = b.reduce(from, to, b.index(1), acc, [&](Value j, ValueRange carried) {
        SmallVector<Value> next(carried);
        SmallVector<Value> value;
        for (Columns columns : part)
          value.push_back(b.load(values, j, columns));
        for (int64_t h = 0; h < sizes.together; ++h) {
          Value p = b.broadcast(b.element(probabilities, {b.index(h), j}));
          for (size_t c = 0; c < part.size(); ++c)
            next[h * part.size() + c] = b.fma(p, value[c], next[h * part.size() + c]);
        }
        return next;
      });
      for (int64_t h = 0; h < sizes.together; ++h)
        for (size_t c = 0; c < part.size(); ++c)
          b.store(acc[h * part.size() + c], sums, b.index(h), part[c]);
    }
  }

  KernelBuilder &b;
  Kernel &kernel;
  llm::AttentionOp op;
  Sizes sizes;
  Value query, sums, probabilities, branchKeys, branchValues;
  int64_t pageBytes = 0; ///< with a cache
  Value stepTokens;      ///< without: tokens that the workspace has room for, a block beyond the last included
};
} // namespace

KernelNeeds yoke::attentionNeeds(llm::AttentionOp op, const KernelShape &shape, int64_t maxTokens) {
  Sizes sizes(op, shape);
  KernelNeeds needs{.scratchBytes = sizes.scratchBytes()};
  if (!op.getCache())
    needs.workspaceBytes = layerPageBytes(sizes.kvHeads, sizes.headDim) / pageTokens * (maxTokens + pageTokens);
  return needs;
}

void yoke::emitAttention(KernelBuilder &b, Kernel &kernel) { AttentionEmitter(b, kernel).emit(); }
