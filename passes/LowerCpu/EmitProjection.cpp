//===- EmitProjection.cpp - kernels around a matrix product ---------------===//
//
// A thread owns panels of output rows. For each it goes over the rows of activations, `rowBlock` at a time, and keeps
// rowBlock x panel sums in registers while it walks the inputs once. The sums of a row are the same whatever rows stand
// beside it, so its result does not depend on the batch.
//
//===----------------------------------------------------------------------===//
#include "LowerCpu/Kernel.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace yoke;

namespace {
class ProjectionEmitter {
public:
  ProjectionEmitter(KernelBuilder &b, Kernel &kernel) : b(b), kernel(kernel) {
    op = kernel.find<llm::LinearOp>();
    head = kernel.find<llm::LmHeadOp>();
    if (head)
      op = head;
    weight = kernel.memory.lookup(op->getOperand(1));
    auto type = cast<RankedTensorType>(op->getOperand(1).getType());
    outputs = type.getDimSize(0);
    inputs = type.getDimSize(1);
    pairs = cast<MemRefType>(weight.getType()).getElementType().isInteger(32);
    yielded = kernel.find<llm::YieldOp>().getValues().front();
    Value bias = head ? head.getBias() : cast<llm::LinearOp>(op).getBias();
    if (bias)
      biasMemory = kernel.memory.lookup(bias);
    if (kernel.interleave > 0)
      findHalves();
  }

  void emit() {
    Value x = emitInput();
    Value panels = b.index(cast<MemRefType>(weight.getType()).getDimSize(0));
    auto [begin, end] = b.share(panels);
    Value rows = b.rows(x);
    int64_t block = b.shape.rowBlock;
    Value whole = b.mul(b.quotient(rows, block), b.index(block));
    Value rest = b.sub(rows, whole);
    b.loop(begin, end, b.index(1), [&](Value panel) {
      b.loop(b.index(0), whole, b.index(block), [&](Value row) { emitTile(x, panel, row, block); });
      emitRest(x, panel, whole, rest);
    });
  }

private:
  /// Finds the slices of the gate and of the other half.
  void findHalves() {
    for (auto slice : kernel.fused.getBody().getOps<tensor::ExtractSliceOp>())
      halves[slice.getStaticOffsets()[1] == 0 ? 0 : 1] = slice.getResult();
  }

  /// The rows to multiply: the operand itself, or rows gathered and normalised into the workspace by all threads
  /// together.
  Value emitInput() {
    Value x = op->getOperand(0);
    Operation *norm = x.getDefiningOp();
    Value source = kernel.memory.lookup(norm ? norm->getOperand(0) : x);
    if (!norm && !head)
      return source;

    Value rows = b.rows(head ? kernel.batch.outputs : source);
    auto type = MemRefType::get({ShapedType::kDynamic, inputs}, b.getF32Type());
    Value target = memref::ViewOp::create(b, type, kernel.workspace, b.index(0), rows);
    auto [begin, end] = b.share(rows);
    b.loop(begin, end, b.index(1), [&](Value row) {
      Value from = head ? b.toIndex(b.element(kernel.batch.outputs, row)) : row;
      auto read = [&](Columns columns) { return b.load(source, from, columns); };
      auto write = [&](Columns columns, Value y) { b.store(y, target, row, columns); };
      if (norm)
        emitNormRow(b, kernel, norm, inputs, read, write);
      else
        b.forColumns(inputs, [&](Columns columns) { write(columns, read(columns)); });
    });
    b.barrier();
    return target;
  }

  /// The last rows, fewer than a block.
  void emitRest(Value x, Value panel, Value row, Value rest) {
    SmallVector<int64_t> cases;
    for (int64_t rows = 1; rows < b.shape.rowBlock; ++rows)
      cases.push_back(rows);
    auto choice = scf::IndexSwitchOp::create(b, TypeRange(), rest, cases, cases.size());
    OpBuilder::InsertionGuard guard(b);
    for (auto [rows, region] : llvm::zip(cases, choice.getCaseRegions())) {
      b.setInsertionPointToStart(&region.emplaceBlock());
      emitTile(x, panel, row, rows);
      scf::YieldOp::create(b);
    }
    b.setInsertionPointToStart(&choice.getDefaultRegion().emplaceBlock());
    scf::YieldOp::create(b);
  }

  /// Vectors of the panel's weights for one input, or for two when the panel stores pairs.
  SmallVector<Value> loadWeights(Value panel, Value group) {
    auto memref = cast<MemRefType>(weight.getType());
    auto type = VectorType::get({b.shape.lanes}, memref.getElementType());
    SmallVector<Value> low, high;
    for (int64_t v = 0; v < b.shape.panelVectors(); ++v) {
      Value loaded = vector::LoadOp::create(b, type, weight, ValueRange{panel, group, b.index(v * b.shape.lanes)});
      if (!pairs) {
        low.push_back(memref.getElementType().isF32() ? loaded
                                                      : arith::ExtFOp::create(b, b.vectorType(), loaded).getResult());
        continue;
      }
      // A bfloat16 is the upper half of a float32.
      auto constant = [&](int64_t value) {
        return arith::ConstantOp::create(
            b, DenseElementsAttr::get(type, b.getI32IntegerAttr(static_cast<int32_t>(value))));
      };
      Value even = arith::ShLIOp::create(b, loaded, constant(16));
      Value odd = arith::AndIOp::create(b, loaded, constant(0xffff0000));
      low.push_back(arith::BitcastOp::create(b, b.vectorType(), even));
      high.push_back(arith::BitcastOp::create(b, b.vectorType(), odd));
    }
    llvm::append_range(low, high);
    return low;
  }

  /// Adds the products of input `k` to chain `chain` of each row's sums.
  void accumulate(MutableArrayRef<Value> sums, ArrayRef<Value> weights, Value x, Value row, Value k, int64_t rows,
                  int64_t chain) {
    int64_t vectors = b.shape.panelVectors();
    for (int64_t r = 0; r < rows; ++r) {
      Value input = b.broadcast(b.element(x, {b.add(row, b.index(r)), k}));
      for (int64_t v = 0; v < vectors; ++v) {
        Value &sum = sums[(r * b.shape.chains + chain) * vectors + v];
        sum = b.fma(input, weights[v], sum);
      }
    }
  }

  /// `rows` rows of x from `row` on times one panel.
  void emitTile(Value x, Value panel, Value row, int64_t rows) {
    int64_t vectors = b.shape.panelVectors(), chains = b.shape.chains;
    SmallVector<Value> sums(rows * chains * vectors, b.splat(0.0));
    int64_t even = inputs / 2 * 2;
    auto addPair = [&](Value k, MutableArrayRef<Value> sums) {
      Value next = b.add(k, b.index(1));
      if (pairs) {
        SmallVector<Value> both = loadWeights(panel, b.quotient(k, 2));
        accumulate(sums, ArrayRef(both).take_front(vectors), x, row, k, rows, 0);
        accumulate(sums, ArrayRef(both).drop_front(vectors), x, row, next, rows, chains - 1);
        return;
      }
      accumulate(sums, loadWeights(panel, k), x, row, k, rows, 0);
      accumulate(sums, loadWeights(panel, next), x, row, next, rows, chains - 1);
    };
    sums = b.reduce(b.index(0), b.index(even), b.index(2), sums, [&](Value k, ValueRange carried) {
      SmallVector<Value> next(carried);
      addPair(k, next);
      return next;
    });
    if (even < inputs) {
      Value k = b.index(even);
      SmallVector<Value> last = loadWeights(panel, pairs ? b.index(even / 2) : k);
      accumulate(sums, last, x, row, k, rows, 0);
    }
    for (int64_t r = 0; r < rows; ++r) {
      SmallVector<Value> results;
      for (int64_t v = 0; v < vectors; ++v) {
        Value sum = sums[r * chains * vectors + v];
        for (int64_t chain = 1; chain < chains; ++chain)
          sum = b.add(sum, sums[(r * chains + chain) * vectors + v]);
        results.push_back(sum);
      }
      emitEpilogue(panel, b.add(row, b.index(r)), results);
    }
  }

  /// Lanes below `count` when the matrix has a ragged last panel.
  Columns placeOf(Value begin, int64_t count, int64_t panelColumns) {
    if (count % panelColumns == 0)
      return {begin, {}};
    auto type = VectorType::get({b.shape.lanes}, b.getI1Type());
    Value left = b.greatest(b.sub(b.index(count), begin), b.index(0));
    return {begin, vector::CreateMaskOp::create(b, type, left)};
  }

  Value withBias(Value sum, Columns columns) { return biasMemory ? b.add(sum, b.load(biasMemory, {}, columns)) : sum; }

  void emitEpilogue(Value panel, Value row, ArrayRef<Value> sums) {
    int64_t halvesCount = kernel.interleave > 0 ? 2 : 1;
    int64_t columns = outputs / halvesCount, panelColumns = KernelShape::panel / halvesCount;
    int64_t vectors = b.shape.panelVectors() / halvesCount;
    for (int64_t v = 0; v < vectors; ++v) {
      Value begin = b.add(b.mul(panel, b.index(panelColumns)), b.index(v * b.shape.lanes));
      Columns place = placeOf(begin, columns, panelColumns);
      ElementwiseEvaluator evaluator(b, kernel, row, place);
      if (kernel.interleave > 0) {
        evaluator.set(halves[0], withBias(sums[v], place));
        evaluator.set(halves[1], withBias(sums[v + vectors], b.shifted(place, b.index(columns))));
      } else {
        evaluator.set(op->getResult(0), withBias(sums[v], place));
      }
      b.store(evaluator.get(yielded), kernel.result, row, place);
    }
  }

  KernelBuilder &b;
  Kernel &kernel;
  Operation *op = nullptr;
  llm::LmHeadOp head;
  Value weight, biasMemory, yielded;
  Value halves[2];
  int64_t outputs = 0, inputs = 0;
  bool pairs = false;
};
} // namespace

void yoke::emitProjection(KernelBuilder &b, Kernel &kernel) { ProjectionEmitter(b, kernel).emit(); }
