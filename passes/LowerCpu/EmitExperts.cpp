//===- EmitExperts.cpp - the kernel of a mixture of experts ---------------===//
//
// The team routes its tokens, sorts the pairs of token and expert by expert, and then multiplies, for each expert that
// occurs, the rows of its tokens with its panels, which are dealt out to the threads. Matrices of other experts are not
// read. A token's result is the sum over its pairs in their order: it does not depend on the other tokens.
//
//===----------------------------------------------------------------------===//
#include "LowerCpu/ExpertBody.h"
#include "LowerCpu/Kernel.h"
#include "LowerCpu/PanelProduct.h"
#include "LowerCpu/Router.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace yoke;

namespace {
constexpr int64_t wordBytes = 4; // of a float32 or an i32

/// Where the kernel's arrays lie in the workspace: first what does not grow with the tokens.
struct Sizes {
  Sizes(moe::ExpertsOp op, ExpertBody body)
      : experts(op.getCount()), topK(op.getTopK()), inner(columnsOf(body.second.getX())),
        outputs(columnsOf(op.getResult())) {}

  static int64_t columnsOf(Value value) { return cast<RankedTensorType>(value.getType()).getDimSize(1); }

  /// Elements of `bounds`, and of `active` with its count.
  int64_t boundsSize() const { return experts + 2; }
  int64_t activeSize() const { return experts + 1; }
  int64_t activeStart() const { return boundsSize() * wordBytes; }
  int64_t pairsStart() const {
    return static_cast<int64_t>(llvm::alignTo(activeStart() + activeSize() * wordBytes, 64));
  }
  /// Words of a pair: its inner row, its output row, its weight, its expert, its place in the order.
  int64_t pairWords() const { return inner + outputs + 3; }

  int64_t experts, topK, inner, outputs;
};

class ExpertsEmitter {
public:
  ExpertsEmitter(KernelBuilder &b, Kernel &kernel, const ExpertBody &body)
      : b(b), kernel(kernel), op(kernel.find<moe::ExpertsOp>()), body(body), sizes(op, body),
        first(matrixOf(0, body.first, body.hasHalves())), second(matrixOf(1, body.second, false)) {
    x = kernel.memory.lookup(op.getX());
    tokens = b.rows(x);
    pairs = b.mul(tokens, b.index(sizes.topK));
    bounds = b.view(kernel.workspace, b.index(0), MemRefType::get({sizes.boundsSize()}, b.getI32Type()));
    active =
        b.view(kernel.workspace, b.index(sizes.activeStart()), MemRefType::get({sizes.activeSize()}, b.getI32Type()));
    Value start = b.index(sizes.pairsStart());
    inner = takePairs(start, {ShapedType::kDynamic, sizes.inner}, b.getF32Type());
    outputs = takePairs(start, {ShapedType::kDynamic, sizes.outputs}, b.getF32Type());
    weights = takePairs(start, {ShapedType::kDynamic}, b.getF32Type());
    experts = takePairs(start, {ShapedType::kDynamic}, b.getI32Type());
    order = takePairs(start, {ShapedType::kDynamic}, b.getI32Type());
    firstRows = rowsFor(first, x, tokens, start);
    secondRows = rowsFor(second, inner, pairs, start);
    if (int64_t columns = Router::rankColumns(kernel.find<moe::RouteOp>()))
      ranks = memref::ViewOp::create(b, MemRefType::get({ShapedType::kDynamic, columns}, b.getF32Type()),
                                     kernel.workspace, start, tokens);
  }

  void emit() {
    auto [begin, end] = b.share(tokens);
    auto route = kernel.find<moe::RouteOp>();
    Value bias = route.getBias() ? kernel.memory.lookup(route.getBias()) : Value();
    Router router(b, route, kernel.memory.lookup(route.getLogits()), bias, ranks);
    b.loop(begin, end, b.index(1), [&](Value token) {
      router.emit(token, weights, experts);
      round(first, x, token, firstRows);
    });
    b.barrier();
    b.dealt(b.index(1), [&](Value) { sortPairs(); });
    b.barrier();
    forPanels(
        first, firstRows, [&](Value place) { return b.quotient(pairAt(place), sizes.topK); },
        [&](Value place, Columns columns, ArrayRef<Value> sums) { storeInner(place, columns, sums); });
    b.barrier();
    if (second.rowElement) {
      auto [firstPair, endPair] = b.share(pairs);
      b.loop(firstPair, endPair, b.index(1), [&](Value place) { round(second, inner, place, secondRows); });
      b.barrier();
    }
    forPanels(
        second, secondRows, [](Value place) { return place; },
        [&](Value place, Columns columns, ArrayRef<Value> sums) { b.store(sums[0], outputs, pairAt(place), columns); });
    b.barrier();
    b.loop(begin, end, b.index(1), [&](Value token) { combine(token); });
  }

private:
  PanelMatrix matrixOf(unsigned index, llm::LinearOp product, bool interleaved) {
    return PanelMatrix::of(kernel.memory.lookup(op.getMatrices()[index]), product, interleaved);
  }

  RowRounder rounderOf(const PanelMatrix &matrix) {
    return RowRounder(b, matrix.element, matrix.rowElement, matrix.inputs);
  }

  /// `count` rows of `source` as `matrix` multiplies them, in the workspace from `start` on when they must be rounded.
  ProductRows rowsFor(const PanelMatrix &matrix, Value source, Value count, Value &start) {
    RowRounder rounder = rounderOf(matrix);
    return rounder.isNeeded() ? rounder.place(kernel.workspace, start, count) : ProductRows{.values = source};
  }

  void round(const PanelMatrix &matrix, Value source, Value row, const ProductRows &rows) {
    if (RowRounder rounder = rounderOf(matrix); rounder.isNeeded())
      rounder.emitRow(source, row, rows, row);
  }

  /// An array of one element or row a pair at `start`, which moves on behind it.
  Value takePairs(Value &start, ArrayRef<int64_t> shape, Type element) {
    Value view = memref::ViewOp::create(b, MemRefType::get(shape, element), kernel.workspace, start, pairs);
    int64_t words = shape.size() == 2 ? shape[1] : 1;
    start = b.add(start, b.mul(pairs, b.index(words * wordBytes)));
    return view;
  }

  Value integer(int64_t value) {
    return arith::ConstantOp::create(b, b.getI32IntegerAttr(static_cast<int32_t>(value)));
  }
  Value toInteger(Value index) { return arith::IndexCastOp::create(b, b.getI32Type(), index); }
  Value indexAt(Value array, Value place) { return b.toIndex(b.element(array, place)); }
  Value pairAt(Value place) { return indexAt(order, place); }

  /// array[place]++; returns what was there.
  Value increment(Value array, Value place) {
    Value before = b.element(array, place);
    b.setElement(b.add(before, integer(1)), array, place);
    return before;
  }

  /// Counting sort: afterwards `order` holds the pairs of expert e from bounds[e] to bounds[e + 1], and `active` the
  /// experts that have any, their number last; `load` counts on.
  void sortPairs() {
    Value zero = b.index(0), one = b.index(1), two = b.index(2), count = b.index(sizes.experts);
    b.loop(zero, b.index(sizes.boundsSize()), one, [&](Value i) { b.setElement(integer(0), bounds, i); });
    b.loop(zero, pairs, one, [&](Value pair) { increment(bounds, b.add(indexAt(experts, pair), two)); });
    b.loop(one, b.index(sizes.boundsSize()), one, [&](Value i) {
      Value sum = b.add(b.element(bounds, i), b.element(bounds, b.sub(i, one)));
      b.setElement(sum, bounds, i);
    });
    b.loop(zero, pairs, one, [&](Value pair) {
      Value place = increment(bounds, b.add(indexAt(experts, pair), one));
      b.setElement(toInteger(pair), order, b.toIndex(place));
    });
    SmallVector<Value> used = b.reduce(zero, count, one, zero, [&](Value expert, ValueRange carried) {
      b.setElement(toInteger(expert), active, carried[0]);
      Value begin = indexAt(bounds, expert), end = indexAt(bounds, b.add(expert, one));
      Value occurs = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, begin, end);
      Value next = b.add(carried[0], one);
      Value rows = arith::IndexCastOp::create(b, b.getI64Type(), b.sub(end, begin));
      b.setElement(b.add(b.element(kernel.load, expert), rows), kernel.load, expert);
      return SmallVector<Value>{arith::SelectOp::create(b, occurs, next, carried[0])};
    });
    b.setElement(toInteger(used[0]), active, count);
  }

  /// Multiplies the rows of each expert that occurs with this thread's part of its panels.
  void forPanels(const PanelMatrix &matrix, const ProductRows &rows, PanelProduct::RowSource source,
                 PanelProduct::Sink sink) {
    int64_t panels = matrix.panels();
    Value units = b.mul(indexAt(active, b.index(sizes.experts)), b.index(panels));
    b.dealt(units, [&](Value unit) {
      Value expert = indexAt(active, b.quotient(unit, panels)), panel = b.remainder(unit, panels);
      RowBlocks blocks = PanelProduct::blocksOf(b, indexAt(bounds, expert), indexAt(bounds, b.add(expert, b.index(1))));
      PanelProduct(b, matrix, expert).emit(rows, panel, blocks, source, sink);
    });
  }

  void storeInner(Value place, Columns columns, ArrayRef<Value> sums) {
    ElementwiseEvaluator evaluator(b, kernel, place, columns);
    if (body.hasHalves()) {
      evaluator.set(body.halves[0], sums[0]);
      evaluator.set(body.halves[1], sums[1]);
    } else {
      evaluator.set(body.first.getResult(), sums[0]);
    }
    b.store(evaluator.get(body.second.getX()), inner, place, columns);
  }

  void combine(Value token) {
    Value yielded = kernel.find<llm::YieldOp>().getValues().front();
    Value firstPair = b.mul(token, b.index(sizes.topK));
    b.forColumns(sizes.outputs, [&](Columns columns) {
      Value zero = b.splat(0.0);
      SmallVector<Value> sum =
          b.reduce(b.index(0), b.index(sizes.topK), b.index(1), zero, [&](Value j, ValueRange carried) {
            Value pair = b.add(firstPair, j);
            Value weight = b.broadcast(b.element(weights, pair));
            return SmallVector<Value>{b.fma(weight, b.load(outputs, pair, columns), carried[0])};
          });
      ElementwiseEvaluator evaluator(b, kernel, token, columns);
      evaluator.set(op.getResult(), sum[0]);
      b.store(evaluator.get(yielded), kernel.result, token, columns);
    });
  }

  KernelBuilder &b;
  Kernel &kernel;
  moe::ExpertsOp op;
  ExpertBody body;
  Sizes sizes;
  PanelMatrix first, second;
  ProductRows firstRows, secondRows;
  Value x, tokens, pairs;
  Value bounds, active;
  Value inner;   ///< [pair in order of experts, inner]
  Value outputs; ///< [pair, outputs]
  Value weights, experts, order;
  Value ranks; ///< [token, what its experts rank by], or null
};
} // namespace

KernelNeeds yoke::expertsNeeds(moe::ExpertsOp op, int64_t maxTokens) {
  std::optional<ExpertBody> body = ExpertBody::match(op);
  if (!body)
    return {};
  Sizes sizes(op, *body);
  int64_t tokenBytes = sizes.topK * sizes.pairWords() * wordBytes;
  if (auto route = op.getWeights().getDefiningOp<moe::RouteOp>())
    tokenBytes += Router::rankColumns(route) * wordBytes;
  if (body->first.getXType())
    tokenBytes += RowRounder::bytesPerRow(Sizes::columnsOf(op.getX()));
  if (body->second.getXType())
    tokenBytes += sizes.topK * RowRounder::bytesPerRow(sizes.inner);
  return {.workspaceBytes = sizes.pairsStart() + maxTokens * tokenBytes};
}

LogicalResult yoke::emitExperts(KernelBuilder &b, Kernel &kernel) {
  auto op = kernel.find<moe::ExpertsOp>();
  std::optional<ExpertBody> body = ExpertBody::match(op);
  if (!body)
    return op.emitError("the CPU has a kernel for experts of two products with element-wise ops between them only");
  if (!kernel.find<moe::RouteOp>())
    return op.emitError("the CPU computes experts together with the moe.route that chooses them only");
  ExpertsEmitter(b, kernel, *body).emit();
  return success();
}
